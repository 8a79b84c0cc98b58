"""What is refused before anything is written."""

import math
import re

from .errors import InvalidCall

#: Largest job and largest result, in bytes of JSON.
MAX_PAYLOAD = 8 * 1024 * 1024
#: Largest job of any producer that a worker takes in, in bytes: arq's own know no limit.
MAX_JOB = 64 * 1024 * 1024
#: Longest timeout, in seconds.
MAX_TIMEOUT = 365 * 86_400.0

_BATCH_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def check_timeout(timeout: float | None, what: str = "timeout") -> float | None:
    """Return `timeout` in seconds, or raise `InvalidCall` unless it is a usable number."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise InvalidCall(f"{what} must be a number of seconds, not {type(timeout).__name__}")
    if math.isnan(timeout) or not 0 < timeout <= MAX_TIMEOUT:
        raise InvalidCall(
            f"{what} must be more than 0 and at most {MAX_TIMEOUT:.0f} seconds, not {timeout!r}; "
            "leave it out for no limit of your own"
        )
    return float(timeout)


def check_window(window: int) -> int:
    """Return `window`, or raise `InvalidCall` unless it is a usable number of jobs."""
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise InvalidCall(f"window must be a whole number of jobs, 1 or more, not {window!r}")
    return window


def check_batch_id(batch_id: str) -> str:
    """Return `batch_id`, or raise `InvalidCall` unless it can be part of a Redis key."""
    if not _BATCH_ID.fullmatch(batch_id):
        raise InvalidCall(
            f"batch id {batch_id!r} must be 1 to 128 letters, digits, dots, dashes or underscores"
        )
    return batch_id
