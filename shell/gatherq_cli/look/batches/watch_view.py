"""A batch that is watched, as lines for a terminal and as one line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby

from gatherq.contract.short_repr import cut
from gatherq.inspection.progress.batch_progress import BatchProgress
from gatherq.inspection.words.amounts import show_age
from gatherq_cli.output.bars import bar
from gatherq_cli.output.styled import Line, Part
from gatherq_cli.output.styles import style_of

from . import texts

_HEAT, _ASCII_HEAT = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
_NAME = 9
#: What runs longest, and columns of the bar of a limit.
_LONGEST, _BAR = 3, 8


def lines(progress: BatchProgress, room: int, *, ascii_only: bool) -> Iterator[Line]:
    """Yield what is drawn in so many columns."""
    batch = progress.batch
    ended = (
        f" after {show_age(batch.created, batch.ended)}" if batch.ended and not batch.left else ""
    )
    yield [batch.id, "  ", (f"{batch.state}{ended}", style_of(batch.state))]
    yield _done(progress, room, ascii_only=ascii_only)
    yield texts.counts(batch)
    yield from _heat(progress, room - _NAME, ascii_only=ascii_only)
    for i, running in enumerate(progress.running[:_LONGEST]):
        yield [
            "" if i else "longest".ljust(_NAME),
            " " * _NAME if i else "",
            *texts.running(running),
        ]
    for i, slot in enumerate(progress.newest_errors):
        name = ("" if i else "newest").ljust(_NAME)
        yield [name, f":{slot.slot} {slot.name} ", (slot.error_line, style_of(slot.status))]
    if progress.away:
        yield _away(progress)


def line(progress: BatchProgress) -> Line:
    """Return all of it in a line."""
    batch = progress.batch
    if progress.away:
        return [f"{batch.id}  ", *_away(progress)]
    standing: list[Part] = [f"{batch.id}  {batch.state}  {batch.finished:,}/{batch.size:,}"]
    more = (texts.counts(batch), texts.pace(batch, progress.rate, progress.remaining))
    return [*standing, *(part for each in more if each for part in ("  ", *each))]


def _done(progress: BatchProgress, room: int, *, ascii_only: bool) -> Line:
    batch = progress.batch
    share = batch.finished / batch.size if batch.size else 1.0
    filled = bar(share, min(max(room - 40, 10), 40), ascii_only=ascii_only)
    pace = texts.pace(batch, progress.rate, progress.remaining)
    done = f"  {batch.finished:,}/{batch.size:,}  "
    return [(filled, style_of(batch.state)), done, *pace]


def _heat(progress: BatchProgress, room: int, *, ascii_only: bool) -> Iterator[Line]:
    """Yield a mark for each few slots, the higher the more of them have ended."""
    size = progress.batch.size
    room = min(max(room, 10), 80)
    if size < 2:
        return
    shades = _ASCII_HEAT if ascii_only else _HEAT
    drawn: list[Part] = []
    for bad, marks in groupby(progress.slots.marks(room), key=lambda mark: mark.bad):
        shown = "".join(shades[round(mark.finished * (len(shades) - 1))] for mark in marks)
        drawn.append((shown, style_of("failed" if bad else "succeeded")))
    yield ["slots".ljust(_NAME), *drawn]
    width = progress.slots.width(room)
    if width > 1:
        yield [" " * _NAME, (f"a mark is {width:,} slots; red: some did not succeed", "dim")]


def _away(progress: BatchProgress) -> Line:
    since = progress.away or datetime.now(UTC)
    waited = show_age(since, datetime.now(UTC))
    why = cut(progress.why_away, 120)
    said = f"no answer from Redis since {since.astimezone():%H:%M:%S} ({waited}): {why}"
    return [(said, style_of("away"))]
