"""The slots that an act would be about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.filters import PENDING
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.selector import Selector, read_selector

from .missing_arguments import missing_arguments

#: Statuses of what has ended, and did not succeed.
UNSUCCESSFUL: tuple[str, ...] = ("failed", "timed_out", "cancelled", "lost")
UNFINISHED: tuple[str, ...] = PENDING


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done to slots of some statuses."""

    verb: str
    past: str
    statuses: Sequence[str]
    #: What these statuses have in common.
    meant: str


CANCEL: Action = Action("cancel", "cancelled", UNFINISHED, "is unfinished")
REDRIVE: Action = Action("redrive", "redrove", UNSUCCESSFUL, "has ended without success")


@dataclass(frozen=True, slots=True)
class Choice:
    """Slots of a batch, as they are now."""

    batch: BatchInfo
    #: None for all of the batch that are in one of these statuses.
    slots: tuple[int, ...] | None
    #: How many there are of each status.
    statuses: Mapping[str, int]
    #: Of filters that nothing has met: which arguments no slot has, in brackets; or empty.
    missing: str = ""

    @property
    def count(self) -> int:
        """Return how many slots they are."""
        return sum(self.statuses.values())

    def __str__(self) -> str:
        """Name them: `3 slots of batch nightly (2 failed, 1 lost)`."""
        counted = ", ".join(
            f"{n:,} {status.replace('_', ' ')}" for status, n in self.statuses.items()
        )
        return f"{slots_in_words(self.count)} of batch {self.batch.id} ({counted})"

    def nothing(self, action: Action) -> str:
        """Say of a choice of no slots that there is nothing to do."""
        which = "no slot" if self.slots is None else "no slot that matches"
        return f"nothing to {action.verb}: {which} of batch {self.batch.id} {action.meant}" + (
            self.missing
        )

    def record(self) -> dict[str, Any]:
        """Return them as an object of JSON."""
        return {"batch": self.batch.id, "slots": self.count, "statuses": dict(self.statuses)}


async def choose(
    inspector: Inspector, target: str, filters: Sequence[str], action: Action
) -> Choice:
    """Find the slots that are meant, and that this can be done to.

    Raises InvalidSelector and BatchNotFound.
    """
    selector, wanted = read_selector(target, filters), action.statuses
    batch = await inspector.batch(selector.batch)
    if selector.everything:
        return Choice(batch, None, _counted(batch, wanted))
    exact: Selector = replace(selector, batch=batch.id)
    slots = {
        slot.slot: slot.status async for slot in inspector.slots(exact) if slot.status in wanted
    }
    missing = "" if slots else await missing_arguments(inspector, target, filters)
    return Choice(batch, tuple(slots), _ordered(Counter(slots.values()), wanted), missing)


def slots_in_words(count: int) -> str:
    """Return a number of slots in words."""
    return f"{count:,} slot{'' if count == 1 else 's'}"


def _counted(batch: BatchInfo, wanted: Sequence[str]) -> dict[str, int]:
    """Count by the batch's own counters, which take what waits for a retry as running."""
    return _ordered({status: getattr(batch, status, 0) for status in wanted}, wanted)


def _ordered(counts: Mapping[str, int], wanted: Sequence[str]) -> dict[str, int]:
    return {status: counts[status] for status in wanted if counts.get(status)}
