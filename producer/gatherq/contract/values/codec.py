"""Values as JSON, and back, by their annotations; pydantic does the work.

Values of JSON's own types travel as they are; all others (datetimes, UUIDs, Decimals, bytes, enums,
dataclasses, models) are encoded and rebuilt by their annotation, and refused if they would come
back as another value. Bytes travel as base64.
"""

import re
import types
from collections import abc
from collections.abc import Callable
from typing import Any, Literal, Never, NoReturn, TypeAlias, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from .equality import same
from .error_text import text_of
from .json_annotations import concrete, holds_items
from .lazy_values import Untransportable, of_items, sort_sets, with_lists

__all__ = ["Codec", "Decoder", "Encoder", "codec_of", "decoder", "encode", "from_json", "is_plain"]

Decoder: TypeAlias = Callable[[Any], Any]
#: Returns JSON's types for a value; raises ValueError for a value that would not come back.
Encoder: TypeAlias = Callable[[Any], Any]

_PLAIN: tuple[Any, ...] = (
    *(str, int, float, bool, None, type(None), Any, object, list, dict),
    *(Never, NoReturn),  # such a function always raises
)
_CONFIG = ConfigDict(
    val_json_bytes="base64",
    ser_json_bytes="base64",
    ser_json_inf_nan="constants",
    arbitrary_types_allowed=True,
)
#: Schemas of values that are, or may hold, sets: these are encoded in one order.
_UNORDERED = re.compile(r"'type': '(?:set|frozenset|any)'")


def encode(value: Any) -> bytes:
    """Encode as JSON; raises ValueError for a value without a JSON form, or that holds itself."""
    return to_json(value, bytes_mode="base64")


#: As pydantic does by default; if that fails, by the fields' own names, without computed fields.
_WRITINGS: tuple[dict[str, Any], ...] = (
    {"by_alias": True},
    {"by_alias": False, "round_trip": True},
)


class Mismatch(ValueError):
    """A value is not of the annotation; `value` is the value with lists in place of iterators."""

    def __init__(self, value: Any, problem: str) -> None:
        self.value = value
        super().__init__(problem)


class Codec:
    """Encodes and decodes the values of one annotation."""

    def __init__(self, annotation: Any) -> None:
        origin = get_origin(annotation) or annotation
        self._once = origin in (abc.Iterator, abc.Generator)
        self._of_items = holds_items(annotation)
        # Inside a list the configuration holds for dataclasses and typed dicts too.
        wrapped: Any = list[concrete(annotation)]  # type: ignore[misc]
        self._adapter: TypeAdapter[list[Any]] = TypeAdapter(wrapped, config=_CONFIG)
        self._adapter.rebuild(
            raise_errors=True
        )  # a name that is not defined shows here, and not at the first use
        self._unordered = bool(_UNORDERED.search(repr(self._adapter.core_schema)))

    def decode(self, value: Any) -> Any:
        """Return a value of the annotated type for JSON's types; raises ValueError."""
        decoded = self._read(encode([value]))
        return iter(decoded) if self._once else decoded

    def encode(self, value: Any) -> Any:
        """Return JSON's types for a value of the annotated type; `decode` gives it back.

        Raises Untransportable for a value that would come back as another, Mismatch for a value of
        another type, and any error of the value's own code.
        """
        value = with_lists(of_items(value) if self._of_items else value)
        try:
            expected = self._adapter.validate_python([value])[0]
        except ValidationError as error:
            raise Mismatch(value, text_of(error)) from error
        cause: Exception | None = None
        for writing in _WRITINGS:
            try:
                made, back = self._there_and_back(value, writing)
            except PydanticSerializationError as error:
                raise Mismatch(value, str(error)) from error
            except Exception as error:  # the value's own code may raise any
                cause, problem = (
                    error,
                    f"it could not be read again by its annotation: {text_of(error)}",
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
            made = sort_sets(plainly, made)
        return made, back

    def _read(self, written: bytes) -> Any:
        return self._adapter.validate_json(written, by_alias=True, by_name=True)[0]


def codec_of(annotation: Any) -> Codec | None:
    """Return the codec of an annotation; None where JSON's own types suffice."""
    return None if is_plain(annotation) else Codec(annotation)


def decoder(annotation: Any) -> Decoder | None:
    """Return the decoder of an annotation; None where JSON's own types suffice."""
    codec = codec_of(annotation)
    return None if codec is None else codec.decode


def is_plain(annotation: Any) -> bool:
    """Tell whether JSON gives values of an annotation back as they are."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is None:
        return any(annotation is plain for plain in _PLAIN)
    if origin is Literal:
        return all(isinstance(part, str | int | bool | None) for part in parts)
    if origin is dict:
        return parts[0] is str and is_plain(parts[1])
    return origin in (list, Union, types.UnionType) and all(map(is_plain, parts))


def _changed(value: Any, back: Any) -> str:
    """Say how the value would come back; without the value, which may be a secret."""
    one, other = type(value).__name__, type(back).__name__
    if one == other:
        return f"it would come back as another {one}: its JSON does not say all of it"
    return f"it would come back as a {other}: JSON does not tell it from a {one}"
