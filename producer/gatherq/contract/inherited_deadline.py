"""The time that is left to the job whose code is running; batches that it submits inherit it."""

from contextvars import ContextVar
from time import monotonic

_deadline: ContextVar[float | None] = ContextVar("gatherq_deadline", default=None)


def set_deadline(deadline: float | None) -> None:
    """Set, for this task and those it starts, the `time.monotonic()` at which time is up."""
    _deadline.set(deadline)


def remaining() -> float | None:
    """Return the seconds left, 0 or less once they are over; None for no limit."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - monotonic()
