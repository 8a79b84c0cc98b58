"""Which limit of an attempt wins: of the call, the handler, the worker, the batch and the queue.

The time that an attempt may run is that of its call, else that of its handler, else the worker's;
a batch's deadline wins over it where less is left. The time that it may wait is what is left of its
queue timeout and of its batch. docs/timeouts.md tells it to users.

`Attempt.deadline` and `Attempt.overdue` are times of `time.monotonic()`. They serve as times of the
event loop too: that is its clock in asyncio.
"""

from collections.abc import Callable
from typing import NamedTuple

from gatherq.store.claims import Deadline
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.registry import Handler


class Limit(NamedTuple):
    """How long something may take, and whose limit that is."""

    #: Seconds from now; None for no limit.
    seconds: float | None
    #: "execution", "batch" or "queue".
    which: str = "execution"
    #: The limit as it was set, in seconds: what the outcome says.
    named: float | None = None


def set_deadline(
    attempt: Attempt, handler: Handler, options: EngineOptions, now: Callable[[], int]
) -> None:
    """Set the limit of an attempt whose code begins `now()`, in ms of Redis's clock."""
    definition = handler.definition
    own = (attempt.job.timeout if attempt.job else None) or definition.timeout
    seconds = attempt.limit = options.timeout if own is None else own
    if attempt.batch_deadline is not None:
        limit = tightest(seconds, attempt.batch_deadline, now())
        seconds, attempt.which, attempt.limit = limit
    attempt.grace = options.grace if definition.grace is None else definition.grace
    if seconds is not None:
        attempt.deadline = options.clock() + seconds
        attempt.overdue = attempt.deadline + attempt.grace


def limit_to_begin(attempt: Attempt, now: int) -> Limit | None:
    """Return what ends an attempt that waits for its place `now` (ms); None if nothing does."""
    limits = []
    if attempt.batch_deadline is not None:
        limits.append(tightest(None, attempt.batch_deadline, now))
    job = attempt.job
    if job and job.queue_timeout is not None and attempt.number == job.base + 1:
        left = (job.enqueued - now) / 1000 + job.delay + job.queue_timeout
        limits.append(Limit(max(left, 0.0), "queue", job.queue_timeout))
    return min(limits, default=None)


def tightest(own: float | None, batch: Deadline, now: int) -> Limit:
    """Choose between an own limit in seconds and what is left of the batch `now` (ms)."""
    left = max((batch.at - now) / 1000, 0.0)
    if own is not None and own <= left:
        return Limit(own, named=own)
    return Limit(left, "batch", batch.limit)
