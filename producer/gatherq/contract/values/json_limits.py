"""Whether what was written can be read again, and read with the memory that there is.

Next to nothing is decoded for it: this runs for every job and every result.
"""

import re

from pydantic_core import from_json

#: Deepest nesting of an argument or a result: the reader gives up at 200, records add a few.
MAX_NESTING = 180
#: What is shorter, in bytes, cannot be nested deeper, nor have a number too long.
ALWAYS_READABLE = 2 * MAX_NESTING - 1
#: Most lists and objects in a job or a result: empty ones take 30 times their text in memory.
MAX_CONTAINERS = 500_000
#: Longest whole number, in digits, as for Python's `int()`.
MAX_DIGITS = 4300

_READER = 200
#: Nesting up to this is told without decoding.
_SHALLOW = 16
#: A number that is too long has a whole window of digits.
_WINDOW = MAX_DIGITS // 2
_OTHERS = bytes(set(range(256)) - set(b'[]{}"\\'))
_AS_LISTS = bytes.maketrans(b"{}", b"[]")
#: A string, or what begins as one and does not end.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)


class Unreadable(ValueError):
    """What is written in JSON cannot be read again."""


def check_readable(payload: bytes, end: bytes = b"") -> None:
    """Raise Unreadable for JSON that a reader would refuse; `end` is what it lacks yet."""
    size = len(payload)
    deep = size > ALWAYS_READABLE and _containers(payload) > MAX_NESTING
    if deep:
        check_bulk(payload)
    if (deep and not _shallow(payload + end)) or (size >= 2 * _WINDOW and _has_window(payload)):
        around = _READER - MAX_NESTING
        try:
            from_json(b"[" * around + payload + end + b"]" * around)
        except ValueError as error:
            raise Unreadable(_words(str(error))) from None


def check_bulk(payload: bytes) -> None:
    """Raise Unreadable for JSON that would take too much memory; tolerates what is not JSON."""
    if _containers(payload) <= MAX_CONTAINERS:
        return
    count = _STRING.sub(b"", _structure(payload)).count(b"[")
    if count > MAX_CONTAINERS:
        raise Unreadable(f"it has {count:,} lists and objects, the limit is {MAX_CONTAINERS:,}")


def check_size(payload: bytes, limit: int) -> None:
    """Raise Unreadable for what is longer than `limit` bytes, or as `check_bulk` does."""
    if len(payload) <= MAX_CONTAINERS:
        return  # most are
    if len(payload) > limit:
        raise Unreadable(f"it is {len(payload):,} bytes, the limit is {limit:,}")
    check_bulk(payload)


def _containers(payload: bytes) -> int:
    """Count what may be the beginning of a list or an object; some may be in strings."""
    return payload.count(b"[") + payload.count(b"{")


def _structure(payload: bytes) -> bytes:
    """Keep brackets, all as those of lists, quotes and backslashes."""
    return payload.translate(_AS_LISTS, _OTHERS)


def _shallow(payload: bytes) -> bool:
    """Tell whether JSON is nested little; what has brackets in its strings may not be told."""
    left = _structure(payload).replace(b'""', b"")
    for _ in range(_SHALLOW):
        left = left.replace(b"[]", b"")  # the innermost go first
    return not left


def _has_window(payload: bytes) -> bool:
    starts = range(0, len(payload) - _WINDOW + 1, _WINDOW)
    return any(payload[start : start + _WINDOW].isdigit() for start in starts)


def _words(error: str) -> str:
    if "recursion" in error:
        return f"it is nested too deep, the limit is {MAX_NESTING}"
    if "out of range" in error:
        return f"it has a number of more than {MAX_DIGITS:,} digits"
    return error
