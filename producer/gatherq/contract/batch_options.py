"""Options of a whole batch, fixed when it is submitted and kept by the workers."""

import math
from typing import NamedTuple

from gatherq.errors import InvalidCall

from .current_job import inherited_deadline
from .validation import check_timeout


class BatchOptions(NamedTuple):
    """Limits of a batch: times in seconds, failures as a number; None for no limit."""

    tolerate: int | None = None
    deadline: float | None = None
    lease: float | None = None
    #: Shortest queue timeout of any of its jobs.
    queue_timeout: float | None = None
    #: How many of its jobs may be at work at once, and how many may start in a second.
    max_at_once: int | None = None
    max_per_second: float | None = None
    #: From -9 to 9, higher first.
    priority: int = 0
    #: When its jobs may start, in seconds from now.
    delay: float = 0.0
    #: Name of the pace that several batches of one `map` share; empty for one of its own.
    pace: str = ""

    def encoded(self) -> dict[str, int | str]:
        """Return the options as submit.lua takes them: times in milliseconds, under its names."""
        times = {
            "limit": self.deadline,
            "lease": self.lease,
            "queue_timeout": self.queue_timeout,
        }
        options: dict[str, int | str] = {
            name: max(round(s * 1000), 1) for name, s in times.items() if s is not None
        }
        if self.tolerate is not None:
            options["tolerate"] = self.tolerate
        if self.max_at_once is not None:
            options["max_at_once"] = self.max_at_once
        if self.max_per_second is not None:
            options["interval"] = interval_of(self.max_per_second)
        terms: dict[str, int | str]
        terms = {"priority": self.priority, "delay": round(self.delay * 1000), "pace": self.pace}
        return options | {name: value for name, value in terms.items() if value}


def interval_of(max_per_second: float) -> int:
    """Return the time between two starts, in microseconds."""
    return max(round(1_000_000 / max_per_second), 1)


def tolerated_failures(tolerate: float | None, size: int) -> int | None:
    """Return how many failures a batch of that size may have.

    An int is that number, a float a share of all jobs. Raises InvalidCall for anything else.
    """
    if tolerate is None:
        return None
    if isinstance(tolerate, bool) or not isinstance(tolerate, int | float):
        raise InvalidCall(
            f"tolerate must be a number of failures or a share, not {type(tolerate).__name__}"
        )
    if isinstance(tolerate, int):
        if tolerate < 0:
            raise InvalidCall(f"tolerate must be 0 or more failures, not {tolerate}")
        return tolerate
    if not 0 <= tolerate <= 1:
        raise InvalidCall(f"tolerate as a share must be from 0.0 to 1.0, not {tolerate!r}")
    return math.floor(tolerate * size + 1e-9)


def batch_deadline(deadline: float | None) -> float | None:
    """Return the deadline in seconds from now: at most what is left to the job that submits."""
    own, left = check_timeout(deadline, "deadline"), inherited_deadline()
    if left is None:
        return own
    left = max(left, 0.001)
    return left if own is None else min(own, left)
