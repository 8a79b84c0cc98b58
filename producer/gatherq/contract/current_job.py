"""The job that a handler runs for: its ids, attempt and deadline, as the handler sees them."""

from contextvars import Context, ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import asyncio

from . import inherited_deadline

_current: ContextVar["CurrentJob"] = ContextVar("gatherq_current_job")


class CurrentJob(NamedTuple):
    """What a handler may know of the job that it runs for; `current_job()` returns it."""

    #: `<batch>:<slot>`, or the id that an arq producer gave.
    job_id: str
    #: None for a job of an arq producer.
    batch_id: str | None
    #: Index in the batch, from 0.
    slot: int
    #: Name that workers know the handler by.
    name: str
    #: Number of this attempt, from 1.
    attempt: int
    #: Limit in seconds: its own, or what was left until its batch's deadline; None for no limit.
    timeout: float | None
    #: `time.monotonic()` at which the limit is reached.
    deadline: float | None

    def remaining(self) -> float | None:
        """Return the seconds left until the limit; None for no limit."""
        return None if self.deadline is None else max(self.deadline - monotonic(), 0.0)


def current_job() -> CurrentJob:
    """Return the job that the calling code belongs to: its ids, attempt and limit.

    In the loop, in threads and in processes alike, and in tasks that the job starts:

        @job(timeout=10)
        async def chop(vegetable: str) -> str:
            left = current_job().remaining()  # seconds until the timeout, or None
            return f"{vegetable}, attempt {current_job().attempt}, {left} s left"

    Raises LookupError outside of a job, so also where a test calls the function itself.
    """
    try:
        return _current.get()
    except LookupError:
        raise LookupError("current_job() was called outside of a job") from None


def running_job() -> CurrentJob | None:
    """Return the job that the calling code belongs to, if any."""
    return _current.get(None)


def job_of(task: "asyncio.Task[Any]") -> CurrentJob | None:
    """Return the job that a task belongs to; None if there is none, and before Python 3.12."""
    context: Any = getattr(task, "get_context", Context)()
    return job_in(context)


def job_in(context: Context) -> CurrentJob | None:
    """Return the job that the code in a context belongs to, if any."""
    return context.get(_current)


def set_current(job: CurrentJob) -> None:
    """Set the job of this task and those that it creates; what it submits inherits the deadline."""
    _current.set(job)
    inherited_deadline.set_deadline(job.deadline)
