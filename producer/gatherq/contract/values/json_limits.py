"""Limits of JSON: nesting, digits and containers that a reader can take, and its memory hold.

These checks run for every job and result, and decode next to nothing.
"""

import re

from pydantic_core import from_json

#: Deepest nesting of an argument or a result: the reader refuses 200, and records add a few.
MAX_NESTING = 180
#: Size in bytes up to which JSON cannot be nested too deep, nor have a number that is too long.
ALWAYS_READABLE = 2 * MAX_NESTING - 1
#: Most lists and objects in a job or a result: empty ones take 30 times their size in memory.
MAX_CONTAINERS = 500_000
#: Longest whole number, in digits, as for Python's `int()`.
MAX_DIGITS = 4300

_READER = 200
#: Nesting that is recognized without decoding.
_SHALLOW = 16
#: A number that is too long fills at least one whole window with digits.
_WINDOW = MAX_DIGITS // 2
_OTHERS = bytes(set(range(256)) - set(b'[]{}"\\'))
_AS_LISTS = bytes.maketrans(b"{}", b"[]")
#: A string, or what begins as one and does not end.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)


class Unreadable(ValueError):
    """JSON that a reader would refuse."""


def check_readable(payload: bytes, end: bytes = b"") -> None:
    """Raise Unreadable for JSON that a reader would refuse; `end` will be appended to it."""
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
    """Raise Unreadable for JSON that would take too much memory; accepts any other bytes."""
    if _containers(payload) <= MAX_CONTAINERS:
        return
    count = _STRING.sub(b"", _structure(payload)).count(b"[")
    if count > MAX_CONTAINERS:
        raise Unreadable(f"it has {count:,} lists and objects, the limit is {MAX_CONTAINERS:,}")


def check_size(payload: bytes, limit: int) -> None:
    """Raise Unreadable for more than `limit` bytes, or too many lists and objects."""
    if len(payload) <= MAX_CONTAINERS:
        return  # the usual case
    if len(payload) > limit:
        raise Unreadable(f"it is {len(payload):,} bytes, the limit is {limit:,}")
    check_bulk(payload)


def _containers(payload: bytes) -> int:
    """Count opening brackets, those in strings included."""
    return payload.count(b"[") + payload.count(b"{")


def _structure(payload: bytes) -> bytes:
    """Return the brackets, all as those of lists, the quotes and the backslashes."""
    return payload.translate(_AS_LISTS, _OTHERS)


def _shallow(payload: bytes) -> bool:
    """Tell whether JSON is nested little; False, too, for some JSON with brackets in strings."""
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
