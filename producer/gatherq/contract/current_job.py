"""The job that a handler runs for: its ids, attempt and deadline, as the handler sees them."""

from collections.abc import Callable
from contextvars import Context, ContextVar
from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import asyncio


_current: ContextVar["CurrentJob"] = ContextVar("gatherq_current_job")

#: Most characters of a note.
_MOST_NOTE = 200


class JobProgress(NamedTuple):
    """How far a job is: `done` of `total`, which is None where nobody knows."""

    done: float
    total: float | None
    note: str

    @classmethod
    def of(cls, done: float, total: float | None = None, note: str = "") -> "JobProgress":
        """Make one of what a job says; raises ValueError for what cannot be shown."""
        of = None if total is None else _finite("total", total)
        return cls(_finite("done", done), of, _line(note))

    @classmethod
    def read(cls, found: Any) -> "JobProgress | None":
        """Read what another process sent; None for anything else."""
        try:
            return cls.of(*found)
        except (TypeError, ValueError):
            return None


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
    #: Who is told of its progress; None outside of a worker.
    listener: Callable[[JobProgress], object] | None = None
    #: Name of the worker, as in outcomes; None outside of one.
    worker: str | None = None

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Say how far the job is: `done` of `total`, in whatever unit.

            @job()
            def load(paths: list[str]) -> None:
                for n, path in enumerate(paths):
                    current_job().progress(n, len(paths), path)

        `gatherq workers` and `Inspector` show the last one, some seconds later at the most. It
        may be called as often as you like, also from threads that the job starts: the value is
        kept, and goes with the next heartbeat. It is not part of the outcome.

        Raises ValueError for a number that is not finite, or a note of more than 200 characters;
        control characters in it are escaped.
        """
        told = JobProgress.of(done, total, note)
        if self.listener is not None:
            self.listener(told)

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


def inherited_deadline() -> float | None:
    """Return the seconds left to the job whose code is running, 0 or less after its deadline.

    Batches that it submits have no more; None for no deadline.
    """
    job = running_job()
    return None if job is None or job.deadline is None else job.deadline - monotonic()


def _finite(name: str, number: float) -> float:
    try:
        if isfinite(number):
            return number if type(number) in (int, float) else float(number)
    except (TypeError, OverflowError):
        pass
    raise ValueError(f"progress: {name} must be a finite number, not {_shown(number)}")


def _line(note: str) -> str:
    if not isinstance(note, str) or len(note) > _MOST_NOTE:
        shown = f"one of {len(note):,}" if isinstance(note, str) else _shown(note)
        raise ValueError(f"progress: note must be text of {_MOST_NOTE} characters, not {shown}")
    if note.isprintable():
        return note
    from gatherq.escape import escape  # what imports this module stays light

    return escape(note)


def _shown(value: object) -> str:
    from .short_repr import value_repr

    return value_repr(value)
