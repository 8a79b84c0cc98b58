"""JSON of whatever stands in Redis."""

import json
from math import isfinite
from typing import Any

#: Bits of the largest whole number that Python writes out.
_BITS = 14_000


def json_of(value: Any) -> bytes:
    """Return JSON, in ASCII; what JSON cannot say of a number is said by a text."""
    try:
        text = json.dumps(value, allow_nan=False, default=str)
    except ValueError:
        text = json.dumps(sayable(value), allow_nan=False, default=str)
    return text.encode("ascii")


def sayable(value: Any) -> Any:
    """Return a value with texts in place of the numbers that JSON cannot say."""
    if isinstance(value, dict):
        return {key: sayable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [sayable(each) for each in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _BITS:
        return f"a whole number of {value.bit_length():,} bits"
    return value
