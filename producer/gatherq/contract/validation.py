"""Limits of names, numbers and sizes, checked before anything is written."""

import re
from collections.abc import Iterable

from gatherq.errors import InvalidCall

from .short_repr import value_repr

#: Largest job and largest result, in bytes of JSON.
MAX_PAYLOAD = 8 * 1024 * 1024
#: Largest job that a worker reads from a producer of arq, and largest result that it writes for
#: one, in bytes: arq itself has no limit.
MAX_JOB = 64 * 1024 * 1024
#: Most jobs of a batch; the Lua steps have the same limit.
MAX_JOBS = 10_000_000
#: Longest name of a job, in characters.
MAX_NAME = 256
#: Longest label of a batch, in characters.
MAX_LABEL = 200
#: Largest entry of a history that keeps its whole error, and largest history, in bytes of JSON.
MAX_ENTRY = 16 * 1024
MAX_HISTORY = 1024 * 1024
#: Longest timeout, in seconds.
MAX_TIMEOUT = 365 * 86_400.0

#: Fewest and most starts a second that a limit may allow.
MIN_RATE, MAX_RATE = 0.00001, 10_000
#: Highest priority; the lowest is as far below 0.
MAX_PRIORITY = 9

#: Longest time that a batch can be kept for, in seconds.
MAX_KEEP = 100 * 365 * 86_400.0

_SIGNATURE = re.compile(r"[0-9a-f]{1,8}")
_BATCH_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def check_timeout(timeout: float | None, what: str = "timeout") -> float | None:
    """Return `timeout` in seconds, or raise `InvalidCall` unless it is a usable number."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise InvalidCall(f"{what} must be a number of seconds, not {value_repr(timeout)}")
    if not 0 < timeout <= MAX_TIMEOUT:
        raise InvalidCall(
            f"{what} must be more than 0 and at most {MAX_TIMEOUT:.0f} seconds, not "
            f"{timeout!r:.50}; leave it out for no limit of your own"
        )
    return float(timeout)


def check_max_at_once(limit: int | None) -> int | None:
    """Return `limit`, or raise `InvalidCall` unless it is a usable number of jobs."""
    if limit is None:
        return None
    if type(limit) is not int or not 1 <= limit <= MAX_JOBS:
        raise InvalidCall(
            f"max_at_once must be a whole number of jobs, 1 to {MAX_JOBS:,}, not "
            f"{value_repr(limit)}; leave it out for no limit"
        )
    return limit


def check_max_per_second(rate: float | None) -> float | None:
    """Return `rate`, or raise `InvalidCall` unless it is a usable number of starts a second."""
    if rate is None:
        return None
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not is_number or not MIN_RATE <= rate <= MAX_RATE:
        raise InvalidCall(
            f"max_per_second must be a number from {MIN_RATE} (one a day, about) to {MAX_RATE:,}, "
            f"not {value_repr(rate)}; leave it out for no limit"
        )
    return float(rate)


def check_priority(priority: int) -> int:
    """Return `priority`, or raise `InvalidCall` unless there is such a level."""
    if type(priority) is not int or abs(priority) > MAX_PRIORITY:
        raise InvalidCall(
            f"priority must be a whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}, higher "
            f"first, not {value_repr(priority)}"
        )
    return priority


def check_name(name: object) -> None:
    """Raise `InvalidCall` unless `name` can be a job's."""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        shown = f"one of {len(name):,}" if isinstance(name, str) and name else value_repr(name)
        raise InvalidCall(f"a job's name is text of 1 to {MAX_NAME} characters, not {shown}")


def check_window(window: int) -> int:
    """Return `window`, or raise `InvalidCall` unless it is a usable number of jobs."""
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise InvalidCall(f"window must be a whole number of jobs, 1 or more, not {window!r}")
    return window


def check_batch_id(batch_id: str) -> str:
    """Return `batch_id`, or raise `InvalidCall` unless it can be part of a Redis key."""
    if not isinstance(batch_id, str) or not _BATCH_ID.fullmatch(batch_id):
        raise InvalidCall(
            f"batch id {batch_id!r:.200} must be text of 1 to 128 letters, digits, dots, dashes or "
            "underscores"
        )
    return batch_id


def check_label(label: str | None) -> str | None:
    """Return `label`, or raise `InvalidCall` unless it is a short text that JSON can write."""
    if label is None:
        return None
    if not isinstance(label, str):
        raise InvalidCall(f"label must be text, not {value_repr(label)}")
    if not 0 < len(label) <= MAX_LABEL:
        raise InvalidCall(f"label must be text of 1 to {MAX_LABEL} characters, not {len(label):,}")
    if not label.isprintable():
        raise InvalidCall(f"label must be one line of printable text, not {label!r:.100}")
    return label


def check_jobs(size: int) -> None:
    """Raise `InvalidCall` for more jobs than a batch can have."""
    if size > MAX_JOBS:
        raise InvalidCall(f"{size:,} jobs are too many for one batch, the limit is {MAX_JOBS:,}")


def check_signature(error: str) -> str:
    """Return the signature of an error group, or the beginning of one; raises ValueError."""
    if not isinstance(error, str):
        raise TypeError(f"error is the signature of an outcome, not {error!r:.200}")
    signature = error.lower()
    if not _SIGNATURE.fullmatch(signature):
        raise ValueError(
            f"error is 1 to 8 hex digits, the signature of an outcome or its beginning, not "
            f"{error!r:.200}"
        )
    return signature


def check_keep(seconds: float) -> float:
    """Return for how many seconds a batch is to stay; raises InvalidCall for no usable number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidCall(f"keep takes a number of seconds, not {value_repr(seconds)}")
    if not 0 < seconds <= MAX_KEEP:
        raise InvalidCall(
            f"keep takes more than 0 and at most {MAX_KEEP:.0f} seconds, not {seconds!r:.50}"
        )
    return float(seconds)


def check_slots(slots: Iterable[int], size: int) -> None:
    """Raise TypeError or IndexError unless each is a slot of a batch of that size."""
    for slot in slots:
        if isinstance(slot, list | tuple | set | range):
            raise TypeError(f"slots are given one by one, not as a {type(slot).__name__}: *slots")
        if isinstance(slot, bool) or not isinstance(slot, int):
            raise TypeError(f"a slot is a whole number, not {slot!r:.200}")
        if not 0 <= slot < size:
            slots_of_it = f"slots 0 to {size - 1}" if size else "no slots"
            raise IndexError(f"this batch has {slots_of_it}, not {slot}")
