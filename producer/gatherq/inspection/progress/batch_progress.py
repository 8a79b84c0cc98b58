"""A batch at one time while somebody watches it."""

from dataclasses import dataclass, field
from datetime import datetime

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.slot_info import SlotInfo

from .running_slots import RunningSlot
from .slot_map import SlotMap


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far a batch is; while Redis is away, how far it was."""

    batch: BatchInfo
    #: Slots that end in a second, and the seconds until the last of them has; None if not known.
    rate: float | None = None
    remaining: float | None = None
    #: All its slots, in order.
    slots: SlotMap
    #: What runs, the longest first; and the newest of what did not succeed, the newest first.
    running: list[RunningSlot] = field(default_factory=list)
    newest_errors: list[SlotInfo] = field(default_factory=list)
    #: Since when Redis does not answer (by this machine's clock), and what it says.
    away: datetime | None = None
    why_away: str = ""

    @property
    def ended(self) -> bool:
        """Whether every slot has an outcome."""
        return not self.batch.left
