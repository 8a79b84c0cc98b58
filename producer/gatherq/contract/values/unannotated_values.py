"""Values without an annotation: encoded so that JSON gives them back, or refused.

Sets become lists in an order that is the same in every process; iterators become lists, up to the
size of a job. Models, dataclasses, named tuples and enums are encoded by their own class. A value
that JSON would silently turn into another is refused.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.types import Secret

from .codec import Codec, Encoder, Mismatch
from .lazy_values import DEEPEST, LAZY, SCALARS, Untransportable, list_items, order

_TEXT = frozenset({str})


def encoder(codec: Codec | None) -> Encoder:
    """Return an encoder by annotation; values of another type are encoded as without one."""
    if codec is None:
        return plain

    def encode(value: Any) -> Any:
        try:
            return codec.encode(value)
        except Mismatch as error:
            return plain(error.value)

    return encode


def plain(value: Any, path: tuple[int, ...] = ()) -> Any:
    """Return JSON's types for a value: for most the value itself.

    Raises Untransportable for secrets, keys that JSON cannot have, endless iterators, and values
    that their own class would not give back.
    """
    kind: Any = type(value)
    if kind in SCALARS or (kind is list and SCALARS.issuperset(map(type, value))):
        return value  # the usual case
    write = _writer(kind)
    if write is None or len(path) > DEEPEST or id(value) in path:
        return value  # the JSON encoder refuses a value that is too deep, or holds itself
    return write(value, (*path, id(value)))


@lru_cache(maxsize=4096)
def _writer(kind: Any) -> Callable[[Any, tuple[int, ...]], Any] | None:
    """Return the function that encodes values of a class; None where JSON needs none."""
    codec = _codec_of_class(kind)
    if codec is not None:
        return lambda value, _: _by_class(codec, value)
    return next((write for kinds, write in _WRITERS if issubclass(kind, kinds)), _unresolved(kind))


def _codec_of_class(kind: Any) -> Codec | None:
    """Return the codec of a model, dataclass, named tuple or enum; None for any other class."""
    named = issubclass(kind, tuple) and hasattr(kind, "_fields")
    if not (named or issubclass(kind, BaseModel | Enum) or is_dataclass(kind)):
        return None
    try:
        return Codec(kind)
    except Exception:  # its annotations cannot be used
        return None


def _unresolved(kind: Any) -> Callable[[Any, tuple[int, ...]], Any] | None:
    return _fields if is_dataclass(kind) else None


def _by_class(codec: Codec, value: Any) -> Any:
    try:
        return codec.encode(value)
    except Mismatch as error:
        raise Untransportable(f"its own class does not take it: {error}") from error.__cause__


def _items(value: Any, path: tuple[int, ...]) -> Any:
    if SCALARS.issuperset(map(type, value)):
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
    if SCALARS.issuperset(map(type, value.values())):
        return value
    made = {key: plain(item, path) for key, item in value.items()}
    return value if all(map(_is, made.values(), value.values())) else made


def _fields(value: Any, path: tuple[int, ...]) -> Any:
    fields = value.__dataclass_fields__
    return _mapping({name: getattr(value, name) for name in fields}, path)


def _secret(value: Any, _: tuple[int, ...]) -> Any:
    kind = type(value).__name__
    raise Untransportable(
        f"a {kind} hides its value when it is written; pass the text or the bytes"
    )


def _asynchronous(value: Any, _: tuple[int, ...]) -> Any:
    kind = type(value).__name__
    raise Untransportable(f"a {kind} can be read by `async for` only; pass a list")


def _taken(value: Any, path: tuple[int, ...]) -> Any:
    return list_items(value, lambda item: plain(item, path))


def _set(value: Any, path: tuple[int, ...]) -> Any:
    return sorted((plain(item, path) for item in value), key=order)


def _buffer(value: Any, _: tuple[int, ...]) -> Any:
    return bytes(value)


#: In this order: views of dicts are sets, too.
_WRITERS: tuple[tuple[Any, Callable[[Any, tuple[int, ...]], Any]], ...] = (
    ((list, tuple, deque), _items),
    (Mapping, _mapping),
    ((SecretStr, SecretBytes, Secret), _secret),
    (LAZY, _taken),
    (AbstractSet, _set),
    (AsyncIterator, _asynchronous),
    (memoryview, _buffer),
)


def _is(one: Any, other: Any) -> bool:
    return one is other
