"""Texts of Redis as values: what is no number, no time or no JSON counts as not given."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatherq.contract.values import codec

#: Digits of the largest number that is one.
_DIGITS = 15
_MS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")


def whole(text: str | None) -> int | None:
    """Return a whole number that is not negative."""
    sound = text is not None and text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if text is not None and sound else None


def time_of(milliseconds: float) -> datetime:
    """Return the time of so many ms since 1970; raises OverflowError and the like."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def time(milliseconds: Any) -> datetime | None:
    """Return the time of so many ms since 1970, if they are a number."""
    if type(milliseconds) not in (int, float):
        return None
    try:
        return time_of(milliseconds)
    except (ValueError, OverflowError, OSError):  # no year that there is
        return None


def moment(text: str | None) -> datetime | None:
    """Return the time of a text of ms, which may have a fraction."""
    if text is None or not _MS.fullmatch(text):
        return None
    return time(float(text))


def object_of(text: str | None) -> Mapping[str, Any]:
    """Return an object of JSON; an empty one for anything else."""
    found = _json(text)
    return found if isinstance(found, dict) else {}


def list_of(text: str | None) -> list[Any]:
    """Return a list of JSON; an empty one for anything else."""
    found = _json(text)
    return found if isinstance(found, list) else []


def counts_of(text: str | None) -> Mapping[str, int]:
    """Return whole numbers by name, from an object of JSON."""
    return {name: count for name, count in object_of(text).items() if type(count) is int}


def _json(text: str | None) -> Any:
    try:
        return None if text is None else codec.from_json(text.encode())
    except ValueError:
        return None
