"""The deadline of the job whose code is running; batches that the job submits inherit it."""

from contextvars import ContextVar
from time import monotonic

_deadline: ContextVar[float | None] = ContextVar("gatherq_deadline", default=None)


def set_deadline(deadline: float | None) -> None:
    """Set the deadline, a `time.monotonic()`, for this task and those it starts."""
    _deadline.set(deadline)


def remaining() -> float | None:
    """Return the seconds left until the deadline, 0 or less after it; None for no deadline."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - monotonic()
