"""Batches and their slots, as the API answers."""

from collections.abc import AsyncIterator
from dataclasses import asdict

from starlette.exceptions import HTTPException

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.filters import read_slot_filters
from gatherq.inspection.json_records import (
    Record,
    batch_record,
    error_record,
    phase_record,
    running_record,
    slot_record,
)
from gatherq.inspection.phases import phases_of
from gatherq.inspection.selector import Selector, Slots, read_slots
from gatherq.inspection.slot_info import SlotInfo

from .operation import Asked, Page

#: Most slots that are looked at for a page of them.
_LOOKED_AT = 20_000


async def batches(asked: Asked) -> Page:
    """Return the newest batches that the filters let through."""
    found = await asked.inspector.batches(
        *(asked["q"] or ()), limit=asked["limit"], since=asked["since"]
    )
    return Page([batch_record(each) for each in found])


async def batch(asked: Asked) -> Record:
    """Return a batch."""
    return batch_record(await asked.inspector.batch(asked["batch"]))


async def slots(asked: Asked) -> Page:
    """Return the slots that the filters let through, from a slot on."""
    found = await asked.inspector.batch(asked["batch"])
    meant = _meant(asked, found)
    first = max(asked["from"], meant.first)
    end = min(first + _LOOKED_AT, meant.last + 1)
    shown: list[Record] = []
    async for slot in _slots(asked, found, meant.between(first, end)):
        if len(shown) == asked["limit"]:
            return Page(shown, slot.slot)
        shown.append(slot_record(slot))
    return Page(shown, end if first < end <= meant.last else None)


async def slot_lines(asked: Asked) -> AsyncIterator[Record]:
    """Yield all slots that the filters let through, from a slot on."""
    found = await asked.inspector.batch(asked["batch"])
    async for slot in _slots(asked, found, _meant(asked, found).between(asked["from"], found.size)):
        yield slot_record(slot)


def _meant(asked: Asked, batch: BatchInfo) -> Slots:
    """Return the slots that are named, or all; raises InvalidSelector for what there is not."""
    if not asked["slots"]:
        return Slots(((0, batch.size - 1),))
    meant = read_slots(asked["slots"])
    meant.check(batch.id, batch.size)
    return meant


async def _slots(asked: Asked, batch: BatchInfo, chosen: Slots | None) -> AsyncIterator[SlotInfo]:
    filters = read_slot_filters(asked["q"] or ())
    if chosen:
        async for slot in asked.inspector.slots(Selector(batch.id, chosen, filters)):
            yield slot


async def slot(asked: Asked) -> Record:
    """Return a slot with its phases."""
    found = await asked.inspector.batch(asked["batch"])
    number = asked["slot"]
    if number < found.size:
        async for each in asked.inspector.slots(Selector(found.id, Slots(((number, number),)))):
            return {**slot_record(each), "phases": [*map(phase_record, phases_of(each))]}
    raise HTTPException(404, f"batch {found.id} has no slot {number}; it has {found.size:,}")


async def errors(asked: Asked) -> Page:
    """Return the error groups of a batch, the largest first."""
    groups = await asked.inspector.error_groups(_target(asked), *(asked["q"] or ()))
    return Page([error_record(each) for each in groups])


async def changes(asked: Asked) -> Page:
    """Return what the last redrive changed of the error groups of a batch."""
    found = await asked.inspector.error_changes(asked["batch"])
    return Page(
        [{**error_record(each.group), "before": each.before, "kind": each.kind} for each in found]
    )


async def explanation(asked: Asked) -> Record:
    """Return why a batch, or some slots of it, are not finished."""
    found = await asked.inspector.explain(_target(asked))
    return {**asdict(found), "stuck": found.stuck}


async def running(asked: Asked) -> Page:
    """Return what runs of a batch, the longest first."""
    found = await asked.inspector.running(asked["batch"])
    return Page([running_record(each) for each in found])


def _target(asked: Asked) -> str:
    """Return what is meant, `BATCH` or `BATCH:SLOTS`."""
    return f"{asked['batch']}:{asked['slots']}" if asked["slots"] else str(asked["batch"])
