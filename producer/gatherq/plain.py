"""Values without an annotation, made such that JSON gives them back, or refused.

Sets and iterators become lists, once: sets in an order that every process agrees on, iterators up
to the size of a job. What JSON would silently make something else is refused.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.types import Secret
from pydantic_core import to_json

from .limits import MAX_PAYLOAD

_SCALARS = frozenset({str, int, float, bool, type(None)})
_TEXT = frozenset({str})
_LISTS = (list, tuple, deque)
_SECRETS = (SecretStr, SecretBytes, Secret)
_DEEPEST = 250


class Untransportable(ValueError):
    """JSON would make another value of it."""


def plain(value: Any, path: tuple[int, ...] = ()) -> Any:
    """Return what JSON writes in place of `value`: itself, for most.

    Raises Untransportable for secrets, keys that are no keys in JSON, and what never ends.
    """
    kind = type(value)
    if kind in _SCALARS or len(path) > _DEEPEST or id(value) in path:
        return value  # JSON's writer refuses what is too deep, or refers to itself
    path = (*path, id(value))
    if kind is list or isinstance(value, _LISTS):
        return _items(value, path)
    if kind is dict or isinstance(value, Mapping):
        return _mapping(value, path)
    return _other(value, path)


def _other(value: Any, path: tuple[int, ...]) -> Any:
    kind = type(value)
    if isinstance(value, _SECRETS):
        raise Untransportable(
            f"a {kind.__name__} hides its value when it is written; pass the text or the bytes"
        )
    if isinstance(value, AbstractSet):
        return sorted((plain(item, path) for item in value), key=_order)
    if isinstance(value, BaseModel) or (is_dataclass(value) and kind is not type):
        _check_fields(value, path)
    if isinstance(value, AsyncIterator):
        raise Untransportable(f"a {kind.__name__} can be read by `async for` only; pass a list")
    if isinstance(value, Iterator):
        return [plain(item, path) for item in taken(value)]
    return value


def _check_fields(value: Any, path: tuple[int, ...]) -> None:
    model = isinstance(value, BaseModel)
    names: Any = type(value).model_fields if model else value.__dataclass_fields__
    for name in names:
        item = getattr(value, name, None)
        if not isinstance(item, Iterator):  # it is of one use, and the writer's
            plain(item, path)


def taken(items: Iterable[Any]) -> list[Any]:
    """Take all items, once; raises Untransportable for more than a job can hold."""
    found, size = [], 0
    for item in items:
        each = plain(item)
        size += len(to_json(each, bytes_mode="base64", fallback=_nothing)) + 1
        if size > MAX_PAYLOAD:
            raise Untransportable(
                f"an iterator of more than {MAX_PAYLOAD:,} bytes of JSON, or without an end"
            )
        found.append(each)
    return found


def ordered(value: Any, written: Any) -> Any:
    """Put what was written of sets in one order, wherever in `value` they are."""
    if isinstance(written, list) and isinstance(value, AbstractSet):
        if all(isinstance(item, frozenset) for item in value):
            written = [sorted(item, key=_order) for item in written]
        return sorted(written, key=_order)
    if isinstance(written, list) and isinstance(value, list | tuple | deque):
        return [ordered(*pair) for pair in zip(value, written, strict=False)]
    if isinstance(written, dict) and isinstance(value, Mapping):
        pairs = zip(written, value.values(), strict=False)
        return {key: ordered(item, written[key]) for key, item in pairs}
    return written


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


def _order(value: Any) -> bytes:
    return to_json(value, bytes_mode="base64")


def _nothing(_: Any) -> None:
    """Let what cannot be written count as little; writing it is refused later."""
