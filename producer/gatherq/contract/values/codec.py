"""Values to JSON and back, by their annotations (pydantic does the work).

JSON's own types are handed over as they are, as a local call would; anything else (datetimes,
UUIDs, Decimals, bytes, enums, dataclasses, models) is written and rebuilt by its annotation, and
refused if it would not come back as it is. Bytes travel as base64.
"""

import re
import types
from collections import abc
from collections.abc import Callable
from typing import Any, Literal, Never, NoReturn, TypeAlias, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from .equality import same
from .error_text import said
from .json_annotations import concrete, holds_items
from .lazy_values import Untransportable, of_items, ordered, settled

__all__ = ["Codec", "Decoder", "Encoder", "codec_of", "decoder", "encode", "from_json", "is_plain"]

Decoder: TypeAlias = Callable[[Any], Any]
#: Makes of a value what JSON writes in its place; raises ValueError for what would not come back.
Encoder: TypeAlias = Callable[[Any], Any]

_PLAIN: tuple[Any, ...] = (
    *(str, int, float, bool, None, type(None), Any, object, list, dict),
    *(Never, NoReturn),  # it always raises
)
_CONFIG = ConfigDict(
    val_json_bytes="base64",
    ser_json_bytes="base64",
    ser_json_inf_nan="constants",
    arbitrary_types_allowed=True,
)
#: What has to be written in one order, or may hold what has to be.
_UNORDERED = re.compile(r"'type': '(?:set|frozenset|any)'")


def encode(value: Any) -> bytes:
    """Write JSON; raises ValueError for what has no JSON form, or refers to itself."""
    return to_json(value, bytes_mode="base64")


#: As pydantic writes; else by the fields' own names, and without what is computed of them.
_WRITINGS: tuple[dict[str, Any], ...] = (
    {"by_alias": True},
    {"by_alias": False, "round_trip": True},
)


class Mismatch(ValueError):
    """A value is not of the annotation; `value` is what is left of it, with nothing lazy."""

    def __init__(self, value: Any, problem: str) -> None:
        self.value = value
        super().__init__(problem)


class Codec:
    """Writes and reads the values of one annotation."""

    def __init__(self, annotation: Any) -> None:
        origin = get_origin(annotation) or annotation
        self._once = origin in (abc.Iterator, abc.Generator)
        self._of_items = holds_items(annotation)
        # Inside a list the configuration holds for dataclasses and typed dicts too.
        wrapped: Any = list[concrete(annotation)]  # type: ignore[misc]
        self._adapter: TypeAdapter[list[Any]] = TypeAdapter(wrapped, config=_CONFIG)
        self._adapter.rebuild(
            raise_errors=True
        )  # else what is not defined is told at its first use
        self._unordered = bool(_UNORDERED.search(repr(self._adapter.core_schema)))

    def decode(self, value: Any) -> Any:
        """Make the annotated type of JSON's types; raises ValueError."""
        made = self._read(encode([value]))
        return iter(made) if self._once else made

    def encode(self, value: Any) -> Any:
        """Return JSON's types for a value of the annotated type; `decode` gives it back.

        Raises Untransportable for a value that would come back as another, Mismatch for one that is
        not of the type, and whatever the code of the value raises.
        """
        value = settled(of_items(value) if self._of_items else value)
        try:
            expected = self._adapter.validate_python([value])[0]
        except ValidationError as error:
            raise Mismatch(value, said(error)) from error
        cause: Exception | None = None
        for writing in _WRITINGS:
            try:
                made, back = self._there_and_back(value, writing)
            except PydanticSerializationError as error:
                raise Mismatch(value, str(error)) from error
            except Exception as error:  # whatever the code of the value raises
                cause, problem = (
                    error,
                    f"it could not be read again by its annotation: {said(error)}",
                )
                continue
            if same(expected, back):
                return made
            cause, problem = None, _changed(expected, back)
        raise Untransportable(problem) from cause

    def _there_and_back(self, value: Any, writing: dict[str, Any]) -> tuple[Any, Any]:
        written = self._adapter.dump_json([value], warnings=False, **writing)
        back, made = self._read(written), from_json(written)[0]
        if self._unordered:
            plainly = self._adapter.dump_python([value], warnings=False, **writing)[0]
            made = ordered(plainly, made)
        return made, back

    def _read(self, written: bytes) -> Any:
        return self._adapter.validate_json(written, by_alias=True, by_name=True)[0]


def codec_of(annotation: Any) -> Codec | None:
    """Return what writes and reads `annotation`, or None where JSON does it unaided."""
    return None if is_plain(annotation) else Codec(annotation)


def decoder(annotation: Any) -> Decoder | None:
    """Return what turns JSON's types into `annotation`, or None where there is nothing to do."""
    found = codec_of(annotation)
    return None if found is None else found.decode


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


def _changed(value: Any, back: Any) -> str:
    """Say what would come back; not the value, which may be a secret."""
    one, other = type(value).__name__, type(back).__name__
    if one == other:
        return f"it would come back as another {one}: its JSON does not say all of it"
    return f"it would come back as a {other}: JSON does not tell it from a {one}"
