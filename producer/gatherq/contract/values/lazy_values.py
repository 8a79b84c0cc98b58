"""Iterators, views and sets as lists that are the same in every process."""

from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from gatherq.contract.validation import MAX_PAYLOAD

from .json_limits import MAX_CONTAINERS

#: JSON's own scalar types.
SCALARS = frozenset({str, int, float, bool, type(None)})
_TEXT = frozenset({str})
#: Deeper values are left to the JSON encoder, which refuses them.
DEEPEST = 250
#: Items taken from an iterator at a time: few at first, as they may be large.
_FEW, _MANY = 4, 64
_SMALL = 64 * 1024
#: Types that only give items one by one.
LAZY = (range, Iterator, KeysView, ValuesView, ItemsView)
#: Iterables that are no iterators: they hold their items.
_MADE = (str, bytes, bytearray, memoryview, Mapping, list, tuple, deque, AbstractSet)


class Untransportable(ValueError):
    """A value would come back as another one."""


def is_json(items: Iterable[Any], depth: int = 4) -> bool:
    """Tell whether all items are of JSON's own types, nested up to `depth`: the usual case."""
    for item in items:
        kind = type(item)
        if kind in SCALARS:
            continue
        if kind is list:
            flat = SCALARS.issuperset(map(type, item)) or (depth and is_json(item, depth - 1))
        elif kind is dict and _TEXT.issuperset(map(type, item)):
            flat = depth and is_json(item.values(), depth - 1)
        else:
            return False
        if not flat:
            return False
    return True


def of_items(value: Any) -> Any:
    """Return a list of an iterable of an unknown class, read once; any other value as it is."""
    if isinstance(value, Iterable) and not isinstance(value, _MADE):
        return list_items(value, with_lists)
    return value


def list_items(items: Iterable[Any], make: Callable[[Any], Any]) -> list[Any]:
    """Return a list of all items, read once; raises Untransportable for more than a job can hold.

    `make` returns the value to encode in place of an item.
    """
    taken: list[Any] = []
    size, containers, many, left = 0, 0, _FEW, iter(items)
    while some := list(islice(left, many)):
        if not SCALARS.issuperset(map(type, some)):
            some = [make(item) for item in some]
            containers += sum(not _is_leaf(kind) for kind in map(type, some))
        length = len(to_json(some, bytes_mode="base64", fallback=_something))
        size += length
        if size > MAX_PAYLOAD or containers > MAX_CONTAINERS:
            raise Untransportable(
                f"an iterator of more than {MAX_PAYLOAD:,} bytes of JSON or {MAX_CONTAINERS:,} "
                "lists and objects, or without an end"
            )
        taken += some
        many = min(2 * many, _MANY) if length < _SMALL else _FEW
    return taken


def with_lists(value: Any, path: tuple[int, ...] = (), fields: bool = False) -> Any:
    """Return a value with lists in place of what is lazy, in lists and dicts at any depth.

    Raises Untransportable for what is lazy in `fields`: of models, dataclasses, named tuples, and
    what else is not made anew here.
    """
    kind: Any = type(value)
    if _is_leaf(kind) or len(path) > DEEPEST or id(value) in path:
        return value
    path = (*path, id(value))
    if isinstance(value, LAZY):
        if fields:
            raise Untransportable(f"it holds a {kind.__name__}, to be read once; make that a list")
        return list_items(value, lambda item: with_lists(item, path))
    if kind is dict:
        made = _each(value.values(), path, fields)
        return value if made is None else dict(zip(value, made, strict=True))
    if kind is list or kind is tuple:
        made = _each(value, path, fields)
        return value if made is None else kind(made)
    if isinstance(value, Mapping):
        _each(value.values(), path, True)
    elif isinstance(value, list | tuple | deque | AbstractSet):
        _each(value, path, True)
    else:
        _each(_fields(value), path, True)
    return value


def _each(items: Iterable[Any], path: tuple[int, ...], fields: bool) -> list[Any] | None:
    """Return the items with lists in place of what is lazy; None where none has changed."""
    if all(map(_is_leaf, set(map(type, items)))):
        return None
    made = [with_lists(item, path, fields) for item in items]
    return None if all(map(_is, made, items)) else made


def _fields(value: Any) -> list[Any]:
    names = type(value).model_fields if isinstance(value, BaseModel) else value.__dataclass_fields__
    extra = getattr(value, "__pydantic_extra__", None) or {}
    return [*(getattr(value, name, None) for name in names), *extra.values()]


@lru_cache(maxsize=4096)
def _is_leaf(kind: type) -> bool:
    """Tell whether values of a type can hold no iterator."""
    inner = (*LAZY, list, tuple, deque, Mapping, AbstractSet, BaseModel)
    return not issubclass(kind, inner) and not is_dataclass(kind)


def sort_sets(value: Any, written: Any) -> Any:
    """Sort what was encoded of sets, wherever in `value` they are."""
    if isinstance(written, list) and isinstance(value, AbstractSet):
        if all(isinstance(item, frozenset) for item in value):
            written = [sorted(item, key=order) for item in written]
        return sorted(written, key=order)
    if isinstance(written, list) and isinstance(value, list | tuple | deque):
        return [sort_sets(*pair) for pair in zip(value, written, strict=False)]
    if isinstance(written, dict) and isinstance(value, Mapping):
        pairs = zip(written, value.values(), strict=False)
        return {key: sort_sets(item, written[key]) for key, item in pairs}
    return written


def order(value: Any) -> bytes:
    """Return the key that members of sets are sorted by."""
    return to_json(value, bytes_mode="base64")


def _is(one: Any, other: Any) -> bool:
    return one is other


def _something(_: Any) -> str:
    """Count a value that only its annotation can encode as a short text."""
    return "0123456789abcdef"
