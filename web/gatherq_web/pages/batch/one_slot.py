"""One slot: its phases, attempts, arguments, and what became of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gatherq.contract.outcomes import Failed, Lost, Succeeded
from gatherq.errors import InvalidSelector
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.field_values import time_of
from gatherq.inspection.phases import Phase
from gatherq.inspection.reading.slot_context import SlotContext, read_context, slots_like
from gatherq.inspection.selector import Selector, Slots
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.words import frames
from gatherq.inspection.words.standing import record_command, standing
from gatherq_web.acts.said import said_of
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

#: Most characters of a value, of an argument, and of an error.
_VALUE, _ARGUMENT, _ERROR = 50_000, 5_000, 200_000


@dataclass(frozen=True, slots=True)
class Bar:
    """A phase as a bar: thousandths of the whole; `wide` is 0 where its times are not known."""

    phase: Phase
    at: float
    wide: float
    seconds: float | None


async def one_slot(request: Request) -> Response:
    """Show a slot of a batch."""
    batch, slot = await _batch_of(request), request.path_params["slot"]
    return await slot_page(request, batch, slot)


async def slot_page(request: Request, batch: BatchInfo, number: int) -> Response:
    """Show a slot, or a plain arq job, which has no slots beside it."""
    inspector = site_of(request).inspector(request)
    context = await _read(request, batch, number)
    slot, now = context.slot, time_of(await inspector.now())
    values: dict[str, Any] = {
        "batch": batch,
        "slot": slot,
        "bars": _bars(context.phases, now),
        "standing": standing(context.running) if context.running else "",
        "limit": context.running.job.limit if context.running else None,
        "arguments": [*_arguments(slot)],
        "value": _value(slot),
        "error": _error(slot),
        "like": await slots_like(inspector, slot),
        "command": record_command(slot),
        "now": now,
        "said": said_of(request),
    }
    if slot.outcome is None and not batch.arq:  # what has ended changes by a redrive alone
        values["stream"] = links_of(request).to("live", "batches", batch.id)
    return await page(request, "batch/slot.html", **values)


async def _batch_of(request: Request) -> BatchInfo:
    return await site_of(request).inspector(request).batch(request.path_params["batch"])


async def _read(request: Request, batch: BatchInfo, number: int) -> SlotContext:
    inspector = site_of(request).inspector(request)
    meant = Selector(batch.id, None if batch.arq else Slots(((number, number),)))
    try:
        async for slot in inspector.slots(meant):
            return await read_context(inspector, slot)
    except InvalidSelector as error:
        raise HTTPException(404, str(error)) from None
    raise HTTPException(404, f"there is no job {batch.id} any more")


def _bars(phases: Sequence[Phase], now: datetime) -> list[Bar]:
    known = [time for each in phases for time in (each.started, each.finished) if time]
    begin, end = min(known, default=now), max(known, default=now)
    if phases and phases[-1].finished is None:
        end = max(end, now)
    whole = max((end - begin).total_seconds(), 1e-3)
    return [_bar(each, begin, whole, now if each is phases[-1] else None) for each in phases]


def _bar(phase: Phase, begin: datetime, whole: float, now: datetime | None) -> Bar:
    until = phase.finished or now
    if phase.started is None or until is None:
        return Bar(phase, 0, 0, phase.seconds)
    seconds = max((until - phase.started).total_seconds(), 0.0)
    wide = min(max(1000 * seconds / whole, 4), 1000)
    at = min(max(1000 * (phase.started - begin).total_seconds() / whole, 0), 1000 - wide)
    return Bar(phase, at, wide, seconds)


def _arguments(slot: SlotInfo) -> Iterator[tuple[str, str]]:
    """Yield the name of each argument in filters, and its value."""
    named: Mapping[str, Any] = {str(i): each for i, each in enumerate(slot.args)} | {**slot.kwargs}
    for name, value in named.items():
        yield name, _cut(_json(value), _ARGUMENT)


def _value(slot: SlotInfo) -> str | None:
    if not isinstance(slot.outcome, Succeeded):
        return None
    return _cut(_json(slot.outcome.value), _VALUE)


def _error(slot: SlotInfo) -> list[frames.Part]:
    """Return what a failure says in full, and how each worker died of a lost slot."""
    match slot.outcome:
        case Failed(error):
            text = error.traceback or str(error)
        case Lost():
            deaths = [f"{info.worker or '?'}: {info.error or info.status}" for info in slot.history]
            text = "\n".join(deaths)
        case _:
            return []
    left_out = f"... {len(text) - _ERROR:,} characters before\n" if len(text) > _ERROR else ""
    return frames.parts_of(left_out + text[-_ERROR:])


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str, ensure_ascii=False)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most]}\n... {len(text) - most:,} characters more"
