"""One batch in full: how it stands, whose it is, what failed, what runs longest, what helps."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.durations import show_duration
from gatherq.inspection.error_group import ErrorGroup
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.json_records import batch_record, error_record, running_record
from gatherq.inspection.progress.pace import remaining
from gatherq.inspection.progress.running_slots import RunningSlot
from gatherq.inspection.words.amounts import show_age
from gatherq.inspection.words.standing import jobs_in_words
from gatherq_cli.output.bars import bar
from gatherq_cli.output.output import Output
from gatherq_cli.output.styled import Line
from gatherq_cli.output.styles import style_of

from . import texts

#: Error groups, and running slots, that are shown.
_GROUPS, _LONGEST = 3, 3
_BAR = 10
Detail = tuple[str, Line]


async def show_batch(inspector: Inspector, output: Output, batch: BatchInfo) -> None:
    """Print a batch."""
    groups = await inspector.error_groups(batch.id) if batch.bad or batch.cancelled else []
    running = await inspector.running(batch.id)
    rate = (await inspector.rates([batch])).get(batch.id)
    if output.is_json:
        output.record(
            batch_record(batch)
            | {"rate": rate, "remaining": remaining(batch.left, rate)}
            | {"errors": [error_record(group) for group in groups]}
            | {"longest": [running_record(each) for each in running]}
        )
        return
    now = datetime.fromtimestamp(await inspector.now() / 1000, UTC)
    output.details(
        [
            ("batch", [batch.id]),
            *_standing(batch, rate, ascii_only=not output.shows("█")),
            *_origin(batch),
            *_times(batch, now),
            *_ends(batch, now),
            *_errors(groups),
            *_running(running),
        ]
    )
    output.details(_next(batch), fit=False)


def _standing(batch: BatchInfo, rate: float | None, *, ascii_only: bool) -> Iterator[Detail]:
    yield "state", [(batch.state, style_of(batch.state))]
    share = batch.finished / batch.size if batch.size else 1.0
    filled = bar(share, _BAR, ascii_only=ascii_only)
    yield "done", [(filled, style_of(batch.state)), f" {batch.finished:,}/{batch.size:,}"]
    if batch.size:
        yield "slots", texts.counts(batch)
    if pace := texts.pace(batch, rate, remaining(batch.left, rate)):
        yield "rate", pace
    if batch.written < batch.size:
        yield "written", [f"{batch.written:,} of {batch.size:,}: its producer is still writing"]


def _origin(batch: BatchInfo) -> Iterator[Detail]:
    if batch.names:
        yield "jobs", [jobs_in_words(batch.names)]
    if batch.label:
        yield "label", [batch.label]
    if batch.kind or batch.by:
        yield "by", [" ".join(filter(None, [batch.by, batch.kind and f"({batch.kind})"]))]
    if batch.parent:
        yield "parent", [f"job {batch.parent}"]
    if batch.trace:
        yield "trace", [batch.trace]


def _times(batch: BatchInfo, now: datetime) -> Iterator[Detail]:
    if batch.created:
        ago = f"{show_age(batch.created, now)} ago"
        yield "submitted", [f"{texts.clock(batch.created, now)}, {ago}"]
        if batch.started:
            yield "started", [f"after {show_age(batch.created, batch.started)}"]
        if batch.ended:
            yield "ended", [f"after {show_age(batch.created, batch.ended)}"]
    if batch.expires:
        kept = show_age(now, batch.expires)
        yield "kept", [f"until {texts.clock(batch.expires, now)}, for {kept}"]


def _ends(batch: BatchInfo, now: datetime) -> Iterator[Detail]:
    if batch.deadline:
        limit = f"{show_duration(batch.limit)}, " if batch.limit else ""
        left = (batch.deadline - now).total_seconds()
        passed = f"passed {show_duration(-left)} ago" if left < 0 else f"{show_duration(left)} left"
        yield "deadline", [f"{limit}{passed}" if batch.left else f"{limit}not running any more"]
    if batch.tolerate is not None:
        yield "tolerates", [f"{batch.tolerate:,} failures"]
    if batch.leased and batch.left:
        yield "lease", [f"its producer must renew it by {texts.clock(batch.leased, now)}"]
    if batch.cancelled_by:
        yield "cancelled", [(f"by {batch.cancelled_by}", style_of("cancelled"))]
    if batch.generation:
        yield "redriven", [f"{batch.generation:,} times" if batch.generation > 1 else "once"]


def _errors(groups: Sequence[ErrorGroup]) -> Iterator[Detail]:
    for i, group in enumerate(groups[:_GROUPS]):
        where = f"   {group.where}" if group.where else ""
        signature = group.signature or "-"
        yield (
            "" if i else "errors",
            [(signature, "bold"), f"  {group.count:,}  {group.text}{where}"],
        )
    if len(groups) > _GROUPS:
        yield "", [f"and {len(groups) - _GROUPS:,} more groups"]


def _running(running: Sequence[RunningSlot]) -> Iterator[Detail]:
    for i, slot in enumerate(running[:_LONGEST]):
        yield "" if i else "longest", texts.running(slot)


def _next(batch: BatchInfo) -> Iterator[Detail]:
    id_ = shlex.quote(batch.id)
    verbs = ["watch", "explain"] if batch.left else []
    if batch.bad or batch.cancelled:
        verbs += ["errors"] if batch.left else ["errors", "redrive"]
    for i, verb in enumerate(verbs):
        yield "" if i else "next", [f"gatherq {verb} {id_}"]
