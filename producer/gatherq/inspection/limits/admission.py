"""Slots that their batches have not let into the queue yet, and which of them wait for workers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gatherq.inspection.batch_info import BatchInfo

#: Fields of a batch's hash that tell it.
FIELDS: tuple[str, ...] = (
    *("size", "gradual", "written", "admitted", "beyond", "again", "parked", "running"),
    *("succeeded", "failed", "timed_out", "cancelled", "lost"),
    *("max_at_once", "interval", "starts", "cancelled_by", "deadline"),
)


@dataclass(frozen=True, slots=True)
class WaitingOutside:
    """How many slots of some batches are outside, and how many of them wait for workers alone."""

    count: int = 0
    admissible: int = 0


NOBODY: WaitingOutside = WaitingOutside()


def count_outside(batches: Iterable[BatchInfo], now: datetime) -> WaitingOutside:
    """Count the slots of batches that are outside of the queue."""
    found = [batch for batch in batches if batch.outside and batch.left]
    return WaitingOutside(
        sum(min(batch.outside, batch.left) for batch in found),
        sum(admissible(batch, now) for batch in found),
    )


def inside_of(batch: BatchInfo) -> int:
    """Return how many slots of a batch are in its queue, or at work."""
    return max(batch.written - batch.finished - batch.outside, 0)


def admissible(batch: BatchInfo, now: datetime) -> int:
    """Return how many slots outside would be let in if there were enough workers.

    None where only so many may start in a second: a wait for that is no want of workers.
    """
    over = batch.deadline is not None and batch.deadline <= now
    early = batch.starts is not None and batch.starts > now
    if batch.cancelled_by or over or early or batch.max_per_second:
        return 0
    outside = min(batch.outside, batch.left)
    if batch.max_at_once is None:
        return outside
    return min(outside, max(batch.max_at_once - inside_of(batch), 0))
