"""Values without an annotation, made such that JSON gives them back, or refused.

Sets and iterators become lists, once: sets in an order that every process agrees on, iterators up
to the size of a job. Models, dataclasses, named tuples and enums are written by their own class.
What JSON would silently make something else is refused.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.types import Secret

from .canonical import DEEPEST, Untransportable, is_lazy, order, taken
from .codec import Codec, Encoder, Mismatch

_SCALARS = frozenset({str, int, float, bool, type(None)})
_TEXT = frozenset({str})
_LISTS = (list, tuple, deque)
_PLAINEST = frozenset({list, tuple, dict, set})
_SECRETS = (SecretStr, SecretBytes, Secret)


def encoder(codec: Codec | None) -> Encoder:
    """Return what writes values by their annotation; those that are not of it, without one."""
    if codec is None:
        return plain

    def encode(value: Any) -> Any:
        try:
            return codec.encode(value)
        except Mismatch as error:
            return plain(error.value)

    return encode


def plain(value: Any, path: tuple[int, ...] = ()) -> Any:
    """Return what JSON writes in place of `value`: itself, for most.

    Raises Untransportable for secrets, keys that are no keys in JSON, what never ends, and what
    its own class would not read as it was.
    """
    kind: Any = type(value)
    if kind in _SCALARS or (kind is list and _SCALARS.issuperset(map(type, value))):
        return value  # most are
    if len(path) > DEEPEST or id(value) in path:
        return value  # JSON's writer refuses what is too deep, or refers to itself
    path = (*path, id(value))
    codec = None if kind in _PLAINEST else _codec_of_class(kind)
    if codec is not None:
        return _by_class(codec, value)
    if isinstance(value, _LISTS):
        return _items(value, path)
    return _mapping(value, path) if isinstance(value, Mapping) else _other(value, path)


def _other(value: Any, path: tuple[int, ...]) -> Any:
    kind = type(value)
    if isinstance(value, _SECRETS):
        raise Untransportable(
            f"a {kind.__name__} hides its value when it is written; pass the text or the bytes"
        )
    if is_lazy(value):
        return taken(value, lambda item: plain(item, path))
    if is_dataclass(value) and kind is not type:
        return _mapping({name: getattr(value, name) for name in value.__dataclass_fields__}, path)
    if isinstance(value, AbstractSet):
        return sorted((plain(item, path) for item in value), key=order)
    if isinstance(value, AsyncIterator):
        raise Untransportable(f"a {kind.__name__} can be read by `async for` only; pass a list")
    return bytes(value) if kind is memoryview else value


@lru_cache(maxsize=4096)
def _codec_of_class(kind: type) -> Codec | None:
    """Return what writes the values of a class that says by itself what they are made of."""
    named = issubclass(kind, tuple) and hasattr(kind, "_fields")
    if not (named or issubclass(kind, BaseModel | Enum) or is_dataclass(kind)):
        return None
    try:
        return Codec(kind)
    except Exception:  # its annotations cannot be used
        return None


def _by_class(codec: Codec, value: Any) -> Any:
    try:
        return codec.encode(value)
    except Mismatch as error:
        raise Untransportable(f"its own class does not take it: {error}") from error.__cause__


def _items(value: Any, path: tuple[int, ...]) -> Any:
    if _SCALARS.issuperset(map(type, value)):
        return value
    made = [plain(item, path) for item in value]
    return value if all(map(_is, made, value)) else made


def _mapping(value: Mapping[Any, Any], path: tuple[int, ...]) -> Any:
    if not _TEXT.issuperset(map(type, value)):
        for key in value:
            if key is None or isinstance(key, bool | float | bytes | tuple | frozenset):
                raise Untransportable(
                    f"{key!r:.80} cannot be a key in JSON; without an annotation keys are text"
                )
    if _SCALARS.issuperset(map(type, value.values())):
        return value
    made = {key: plain(item, path) for key, item in value.items()}
    return value if all(map(_is, made.values(), value.values())) else made


def _is(one: Any, other: Any) -> bool:
    return one is other
