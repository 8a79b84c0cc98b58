"""Values to JSON and back, by their annotations (pydantic does the work).

JSON's own types are handed over as they are, as a local call would; anything else (datetimes,
UUIDs, Decimals, bytes, enums, dataclasses, models) is rebuilt from its annotation. Bytes travel
as base64.
"""

import types
from collections.abc import Callable
from typing import Any, Literal, Never, NoReturn, TypeAlias, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import from_json, to_json

__all__ = ["Decoder", "decoder", "encode", "from_json", "is_plain"]

Decoder: TypeAlias = Callable[[Any], Any]

_PLAIN: tuple[Any, ...] = (
    *(str, int, float, bool, None, type(None), Any, object, list, dict),
    *(Never, NoReturn),  # it always raises
)
_CONFIG = ConfigDict(val_json_bytes="base64", arbitrary_types_allowed=True)


def encode(value: Any) -> bytes:
    """Write JSON; raises ValueError for what has no JSON form, or refers to itself."""
    return to_json(value, bytes_mode="base64")


def decoder(annotation: Any) -> Decoder | None:
    """Return what turns JSON's types into `annotation`, or None where there is nothing to do."""
    if is_plain(annotation):
        return None
    # Inside a list the configuration holds for dataclasses and typed dicts too.
    adapter = TypeAdapter(list[annotation], config=_CONFIG)

    def decode(value: Any) -> Any:
        return adapter.validate_json(encode([value]))[0]

    return decode


def is_plain(annotation: Any) -> bool:
    """Tell whether JSON gives this type back unaided."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is None:
        return any(annotation is plain for plain in _PLAIN)
    if origin is Literal:
        return all(isinstance(part, str | int | bool | None) for part in parts)
    if origin is dict:
        return parts[0] is str and is_plain(parts[1])
    return origin in (list, Union, types.UnionType) and all(map(is_plain, parts))
