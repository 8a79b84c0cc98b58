"""How long an attempt may take: its own limit, or what is left of its batch's."""

from typing import NamedTuple

from gatherq.store.claims import Deadline
from gatherq_worker.attempt import Attempt


class Limit(NamedTuple):
    """The tighter of two limits."""

    #: Seconds from now; None for no limit.
    seconds: float | None
    which: str = "execution"
    #: The limit as it was set, in seconds: what the outcome says.
    named: float | None = None


def tightest(own: float | None, batch: Deadline, now: int) -> Limit:
    """Choose for an attempt that starts `now`, in ms of Redis's clock."""
    left = max((batch.at - now) / 1000, 0.0)
    if own is not None and own <= left:
        return Limit(own, named=own)
    return Limit(left, "batch", batch.limit)


def to_begin(attempt: Attempt, now: int) -> Limit | None:
    """Choose what ends an attempt that still waits for its place `now`; None if nothing does."""
    limits = []
    if attempt.batch_deadline is not None:
        limits.append(tightest(None, attempt.batch_deadline, now))
    job = attempt.job
    if job and job.queue_timeout is not None and attempt.number == job.base + 1:
        left = (job.enqueued - now) / 1000 + job.queue_timeout
        limits.append(Limit(max(left, 0.0), "queue", job.queue_timeout))
    return min(limits, default=None)
