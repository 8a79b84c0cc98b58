"""Equality of a value and what came back of it: in type and contents, all the way down."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from pydantic import BaseModel


def same(one: Any, other: Any, fields: bool = False) -> bool:
    """Tell whether two values are of one type and equal, all the way down.

    In `fields` of models and dataclasses a tuple may come back as a list, as for `Sequence`.
    Undeclared attributes (private ones, cached properties) are not compared.
    """
    if one is other:
        return True
    if type(one) is type(other):
        kind: Any = type(one)
        return _rule(kind)(one, other, fields)
    listed = fields and type(one) is tuple and type(other) is list
    return listed and _all(one, other, fields)


@lru_cache(maxsize=4096)
def _rule(kind: type) -> Callable[[Any, Any, bool], bool]:
    """Return the function that compares values of a class."""
    rules = (equal for kinds, equal in _RULES if issubclass(kind, kinds))
    return next(rules, _models if is_dataclass(kind) else _equal)


def _equal(one: Any, other: Any, _: bool) -> bool:
    return bool(one == other)


def _floats(one: float, other: float, _: bool) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _times(one: Any, other: Any, _: bool) -> bool:
    """Compare times: the offset must come back, not the time zone's name."""
    if one.tzinfo is None and other.tzinfo is None:
        return bool(one == other and one.fold == other.fold)
    return bool(one.isoformat() == other.isoformat())


def _mappings(one: Any, other: Any, fields: bool) -> bool:
    return _all(one, other, fields) and _all(one.values(), other.values(), fields)


def _models(one: Any, other: Any, _: bool) -> bool:
    extra, others = (getattr(each, "__pydantic_extra__", None) for each in (one, other))
    return _declared(one, other) and same(extra, others, fields=True)


def _declared(one: Any, other: Any) -> bool:
    names = type(one).model_fields if isinstance(one, BaseModel) else one.__dataclass_fields__
    return all(same(getattr(one, n, None), getattr(other, n, None), fields=True) for n in names)


def _all(ones: Any, others: Any, fields: bool) -> bool:
    return len(ones) == len(others) and all(
        same(one, other, fields) for one, other in zip(ones, others, strict=True)
    )


def _sets(ones: Any, others: Any, _: bool) -> bool:
    kinds = {item: type(item) for item in ones}
    return ones == others and all(kinds.get(item) is type(item) for item in others)


_RULES: tuple[tuple[Any, Callable[[Any, Any, bool], bool]], ...] = (
    (float, _floats),
    ((datetime, time), _times),
    (Mapping, _mappings),
    ((list, tuple, deque), _all),
    (AbstractSet, _sets),
    (BaseModel, _models),
)
