"""What a running handler can ask about its own job."""

from contextvars import ContextVar
from time import monotonic
from typing import NamedTuple

from gatherq import budget

_current: ContextVar["CurrentJob"] = ContextVar("gatherq_current_job")


class CurrentJob(NamedTuple):
    """The job that is being executed here."""

    job_id: str
    batch_id: str | None
    slot: int
    name: str
    attempt: int
    #: Limit in seconds, its own or what was left of its batch's; None for no limit.
    timeout: float | None
    #: `time.monotonic()` at which the limit is reached.
    deadline: float | None

    def remaining(self) -> float | None:
        """Return the seconds left until the limit; None for no limit."""
        return None if self.deadline is None else max(self.deadline - monotonic(), 0.0)


def current_job() -> CurrentJob:
    """Return the job that the calling code belongs to; raises LookupError outside of one."""
    try:
        return _current.get()
    except LookupError:
        raise LookupError("current_job() was called outside of a job") from None


def set_current(job: CurrentJob) -> None:
    """Set the job of this task; every task has a context of its own."""
    _current.set(job)
    budget.set_deadline(job.deadline)
