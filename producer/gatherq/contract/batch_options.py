"""What is agreed for a whole batch when it is submitted; the workers keep to it."""

import math
from typing import NamedTuple

from gatherq.errors import InvalidCall

from . import inherited_deadline
from .validation import check_timeout


class BatchOptions(NamedTuple):
    """Seconds, and failures that the batch may have; None for no such term."""

    tolerate: int | None = None
    deadline: float | None = None
    lease: float | None = None
    #: The shortest that any of its jobs may wait in the queue.
    queue_timeout: float | None = None

    def encoded(self) -> dict[str, int]:
        """Return what submit.lua takes."""
        times = {
            "limit": self.deadline,
            "lease": self.lease,
            "queue_timeout": self.queue_timeout,
        }
        found = {name: max(round(s * 1000), 1) for name, s in times.items() if s is not None}
        return found if self.tolerate is None else {**found, "tolerate": self.tolerate}


def tolerated(tolerate: float | None, size: int) -> int | None:
    """Return how many failures that is: an int counts them, a float is a share of all."""
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
    """Return the deadline, or what is left to the job that submits, if that is less."""
    given, left = check_timeout(deadline, "deadline"), inherited_deadline.remaining()
    if left is None:
        return given
    left = max(left, 0.001)
    return left if given is None else min(given, left)
