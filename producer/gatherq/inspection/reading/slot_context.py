"""What is told of one slot beside its own record: since when it runs, and who failed like it."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatherq.errors import RedisUnavailable
from gatherq.inspection.phases import Phase, phases_of
from gatherq.inspection.progress.running_slots import RunningSlot
from gatherq.inspection.slot_info import SlotInfo

if TYPE_CHECKING:
    from gatherq.inspection.inspector import Inspector


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotContext:
    """A slot, with what its worker and the error groups of its batch tell of it."""

    #: With the time of its start, if it runs and its worker tells it.
    slot: SlotInfo
    phases: list[Phase]
    running: RunningSlot | None = None


async def read_context(inspector: "Inspector", slot: SlotInfo) -> SlotContext:
    """Read what a slot's own record does not tell."""
    running = await _running(inspector, slot)
    if running and slot.started is None:
        slot = replace(slot, started=running.job.started)
    return SlotContext(slot=slot, phases=phases_of(slot), running=running)


async def slots_like(inspector: "Inspector", slot: SlotInfo) -> int:
    """Return how many slots of its batch are in the error group of a slot; 0 for none."""
    if slot.arq_id or not slot.signature:
        return 0
    groups = await inspector.error_groups(slot.batch)
    return next((each.count for each in groups if each.signature == slot.signature), 1)


async def _running(inspector: "Inspector", slot: SlotInfo) -> RunningSlot | None:
    """Return what the slot's worker says of it: its record alone has when a job was started."""
    if slot.status != "running" or slot.arq_id:
        return None
    with suppress(RedisUnavailable):  # a user who may not read the records of workers
        for each in await inspector.running(slot.batch):
            if (each.slot, each.job.attempt) == (slot.slot, slot.attempt):
                return each
    return None
