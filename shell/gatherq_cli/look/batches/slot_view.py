"""One slot in full: its call, its phases with bars, its value or its error."""

import json
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gatherq.contract.outcomes import Failed, Lost, Succeeded
from gatherq.contract.short_repr import cut
from gatherq.inspection.durations import show_duration
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.json_records import phase_record, slot_record
from gatherq.inspection.limits.places import in_words
from gatherq.inspection.phases import Phase
from gatherq.inspection.progress.running_slots import RunningSlot
from gatherq.inspection.reading.slot_context import read_context, slots_like
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.words.amounts import show_bytes
from gatherq.inspection.words.standing import record_command, standing
from gatherq_cli.output.bars import span
from gatherq_cli.output.output import Output
from gatherq_cli.output.styled import Line, Part
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import width

from . import texts

#: On a terminal: most characters of a value, most lines of a traceback (its end tells most).
_VALUE, _LINES = 2_000, 40
_MARKS = {"queued": ("░", "."), "run": ("▓", "#"), "back-off": ("░", "-")}
Detail = tuple[str, Line]


async def show_slot(inspector: Inspector, output: Output, slot: SlotInfo) -> None:
    """Print a slot."""
    context = await read_context(inspector, slot)
    slot, phases, running = context.slot, context.phases, context.running
    if output.is_json:
        output.record(slot_record(slot) | {"phases": [phase_record(each) for each in phases]})
        return
    now = datetime.fromtimestamp(await inspector.now() / 1000, UTC)
    others = await _others(inspector, slot)
    output.parts(_heading(slot, now))
    ascii_only = not output.shows("░▓")
    bars = _bars(phases, running, now, ascii_only=ascii_only, terminal=output.terminal)
    output.details(bars)
    output.details(_said(slot, terminal=output.terminal), fit=False)
    output.details(
        [*([("group", others)] if others else []), ("raw", [record_command(slot)])], fit=False
    )


def _heading(slot: SlotInfo, now: datetime) -> Line:
    which = f"job {slot.arq_id}" if slot.arq_id else f"slot {slot.slot} of {slot.batch}"
    state = slot.status.replace("_", " ")
    if slot.status in ("queued", "retrying") and slot.due and slot.due > now:
        state += f", due in {show_duration((slot.due - now).total_seconds())}"
    if slot.waits_at:
        state += f" {in_words(slot.waits_at)}"
    parts: list[Part] = [which, slot.call, (state, style_of(slot.status))]
    if slot.attempt:
        parts.append(f"attempt {slot.attempt}")
    return texts.joined([*parts, *([slot.worker] if slot.worker else [])])


def _bars(
    phases: Sequence[Phase],
    running: RunningSlot | None,
    now: datetime,
    *,
    ascii_only: bool,
    terminal: bool,
) -> Iterator[Detail]:
    known = [time for each in phases for time in (each.started, each.finished) if time]
    begin, end = min(known, default=now), max(known, default=now)
    if phases and phases[-1].finished is None:
        end = max(end, now)
    whole = max((end - begin).total_seconds(), 1e-3)
    columns = max(min(width() - 64, 40), 6) if terminal else 0
    for phase in phases:
        name = f"run {phase.attempt}" if phase.kind == "run" else phase.kind
        until = phase.finished or (now if phase is phases[-1] else None)
        drawn = _bar(phase, begin, whole, until, columns, ascii_only)
        yield name, [*drawn, *_told(phase, now, running, last=phase is phases[-1])]


def _bar(
    phase: Phase,
    begin: datetime,
    whole: float,
    until: datetime | None,
    columns: int,
    ascii_only: bool,
) -> Line:
    if not columns:
        return []
    if phase.started is None or until is None:
        return [" " * (columns + 1)]
    before = (phase.started - begin).total_seconds() / whole
    share = (until - phase.started).total_seconds() / whole
    drawn = span(before, max(share, 0), columns, _MARKS[phase.kind][ascii_only])
    style = (style_of(phase.status) or "cyan") if phase.kind == "run" else "dim"
    return [(drawn, style), " "]


def _told(phase: Phase, now: datetime, running: RunningSlot | None, *, last: bool) -> Line:
    seconds = phase.seconds
    if seconds is not None:
        lasted = f"{show_duration(max(seconds, 0)):>6}"
    elif phase.started and last:
        lasted = f"{show_duration(max((now - phase.started).total_seconds(), 0)):>6} so far"
    else:
        lasted = f"{'?':>6}"
    if phase.kind != "run":
        return [lasted, f"   {texts.clock(phase.started, now)}" if phase.kind == "queued" else ""]
    if running and last:
        told = standing(running)
        return [lasted, *([", ", told] if told else []), f"   {phase.worker}"]
    said = phase.error or phase.status.replace("_", " ") or "running"
    return [lasted, "   ", (cut(said, 80), style_of(phase.status)), f"   {phase.worker}"]


def _said(slot: SlotInfo, *, terminal: bool) -> Iterator[Detail]:
    if slot.unread:
        yield "unread", [slot.unread]
    if slot.error_line and not isinstance(slot.outcome, Failed):
        yield "why", [slot.error_line]
    match slot.outcome:
        case Succeeded(value):
            text = json.dumps(value, default=str, ensure_ascii=False)
            yield "value", [_cut_value(text, slot) if terminal else text]
        case Failed(error):
            yield from _lines("error", error.traceback or str(error), terminal=terminal)
        case Lost():
            deaths = [f"{info.worker or '?'}: {info.error or info.status}" for info in slot.history]
            yield from _lines("deaths", "\n".join(deaths), terminal=terminal)
        case _:
            return


def _cut_value(text: str, slot: SlotInfo) -> str:
    if len(text) <= _VALUE:
        return text
    full = f"gatherq outcomes --values {shlex.quote(slot.job_id)}"
    return f"{text[:_VALUE]}... {show_bytes(slot.bytes)}; in full: {full}"


def _lines(name: str, text: str, *, terminal: bool) -> Iterator[Detail]:
    """Yield a line of several; on a terminal the last ones, and how many there are besides."""
    lines = text.rstrip("\n").split("\n")
    if not terminal:
        yield name, [text]
        return
    left_out = len(lines) - _LINES
    if left_out > 0:
        lines = [f"... {left_out:,} lines before; in full: --json", *lines[-_LINES:]]
    for i, line in enumerate(lines):
        yield "" if i else name, [line]


async def _others(inspector: Inspector, slot: SlotInfo) -> Line:
    count = await slots_like(inspector, slot)
    if not count:
        return []
    others = "alone in it" if count < 2 else f"with {count - 1:,} other" + "s" * (count > 2)
    return [(slot.signature, "bold"), f" {others}"]
