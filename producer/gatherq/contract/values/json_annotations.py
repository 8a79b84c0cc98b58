"""Annotations that JSON can be decoded by: lists for iterables, and readers that pydantic lacks."""

import sys
import types
from collections import abc, deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import BeforeValidator, GetPydanticSchema
from pydantic_core import core_schema, to_json
from typing_extensions import TypedDict

_LISTS: tuple[Any, ...] = (
    abc.Iterable,
    abc.Iterator,
    abc.Generator,
    abc.Sequence,
    abc.MutableSequence,
)
_LISTS += (abc.Collection, abc.Container, abc.Reversible)
_CONCRETE: dict[Any, Any] = dict.fromkeys(_LISTS, list)
_CONCRETE |= {abc.Mapping: dict, abc.MutableMapping: dict, abc.Set: set, abc.MutableSet: set}
#: Annotations whose first argument is the type of the items.
_ONE_TYPE = (*_LISTS, abc.Set, abc.MutableSet)
_JSONS = (str, int, float, bool, type(None))


def concrete(annotation: Any) -> Any:
    """Return an annotation whose values JSON can be decoded to, at any depth, more than once."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _class(annotation) if isinstance(annotation, type) else annotation
    if origin is Literal:
        members = [part for part in parts if isinstance(part, Enum)]
        return Annotated[annotation, _one_of(members)] if members else annotation
    parts = tuple(map(concrete, parts if origin is not Annotated else parts[:1]))
    if origin is Annotated:
        return Annotated[(*parts, *get_args(annotation)[1:])]
    if origin in (Union, types.UnionType):
        return Union[parts]  # noqa: UP007
    kind: Any = _CONCRETE.get(origin, origin)
    if origin in _ONE_TYPE:
        return kind[parts[0]]
    if kind is dict and get_origin(parts[0]) is tuple:
        parts = (Annotated[parts[0], BeforeValidator(_split)], parts[1])
    return kind[parts] if kind in (list, dict, tuple, set, frozenset) else annotation


def holds_items(annotation: Any) -> bool:
    """Tell whether an annotation is a collection of items, or an optional one."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return holds_items(parts[0])
    if origin in (Union, types.UnionType):
        return all(part is type(None) or holds_items(part) for part in parts)
    kind = origin or annotation
    return kind in _ONE_TYPE or kind in (list, set, frozenset, tuple, deque)


def _class(annotation: type) -> Any:
    if annotation in (bytearray, memoryview):
        return Annotated[annotation, _buffer(annotation)]
    if sys.version_info < (3, 12) and is_typeddict(annotation):
        return _typed_dict(annotation)
    if issubclass(annotation, Enum) and not all(type(m.value) in _JSONS for m in annotation):
        return Annotated[annotation, _one_of(annotation)]
    return _CONCRETE.get(annotation, annotation)


def _typed_dict(annotation: Any) -> Any:
    """Make one of typing_extensions: pydantic refuses `typing.TypedDict` before Python 3.12."""
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(annotation, include_extras=True).items():
        bare = get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint
        marked = Required if name in annotation.__required_keys__ else NotRequired
        fields[name] = marked[concrete(bare)]
    make: Any = TypedDict
    return make(annotation.__name__, fields)


def _one_of(members: Iterable[Enum]) -> BeforeValidator:
    """Find a member by the JSON of its value; pydantic does so for strings and numbers only."""
    by_json = {to_json(member.value, fallback=repr): member for member in members}

    def find(value: Any) -> Any:
        if isinstance(value, Enum):
            return value
        return by_json.get(to_json(value, fallback=repr), value)

    return BeforeValidator(find)


def _buffer(kind: Callable[[bytes], Any]) -> GetPydanticSchema:
    """Decode and encode a buffer as its bytes."""
    return GetPydanticSchema(
        lambda _, __: core_schema.no_info_after_validator_function(
            kind,
            core_schema.no_info_before_validator_function(_raw, core_schema.bytes_schema()),
            serialization=core_schema.plain_serializer_function_ser_schema(
                bytes, return_schema=core_schema.bytes_schema()
            ),
        )
    )


def _raw(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def _split(key: Any) -> Any:
    """Split a key that pydantic made of a tuple: its parts have commas between them."""
    return key.split(",") if isinstance(key, str) else key
