"""The arguments of a call as JSON's types, by the annotations of its function."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .annotations import codecs_of
from .codec import Codec
from .plain import plain

_SCALARS = frozenset({str, int, float, bool, type(None)})


class ArgumentError(ValueError):
    """An argument that cannot travel: `where` and `value` say which."""

    def __init__(self, where: str, value: Any, problem: str) -> None:
        self.where, self.value = where, value
        super().__init__(problem)


class Parameters:
    """What writes the arguments of one function, by position and by name."""

    def __init__(self, function: Callable[..., Any]) -> None:
        codecs = codecs_of(function)
        self._positions: list[Codec | None] = []
        self._names: dict[str, Codec | None] = dict(codecs.keys)
        self._rest: Codec | None = None
        self._others: Codec | None = None
        for name, parameter in inspect.signature(function).parameters.items():
            codec = codecs.by_name.get(name)
            if parameter.kind is parameter.VAR_POSITIONAL:
                self._rest = codec
            elif parameter.kind is parameter.VAR_KEYWORD:
                self._others = codec
            else:
                if parameter.kind is not parameter.KEYWORD_ONLY:
                    self._positions.append(codec)
                if parameter.kind is not parameter.POSITIONAL_ONLY:
                    self._names[name] = codec
        #: Whether JSON does it all unaided.
        self.plain = not any([*self._positions, *self._names.values(), self._rest, self._others])

    def at(self, index: int) -> Codec | None:
        """Return what writes the argument at a position, if it needs writing."""
        return self._positions[index] if index < len(self._positions) else self._rest

    def named(self, name: str) -> Codec | None:
        """Return what writes the argument of a name, if it needs writing."""
        return self._names.get(name, self._others)


def written(
    function: Callable[..., Any] | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return arguments as JSON's types; raises ArgumentError for the first that cannot travel."""
    parameters = _NONE if function is None else _parameters(function)
    if parameters.plain and _SCALARS.issuperset(map(type, args)):
        made = args  # most are
    else:
        made = [_one(i, parameters.at(i), value) for i, value in enumerate(args)]
    if not kwargs:
        return made, kwargs
    return made, {n: _one(n, parameters.named(n), value) for n, value in kwargs.items()}


def _one(which: int | str, codec: Codec | None, value: Any) -> Any:
    if codec is None and type(value) in _SCALARS:
        return value
    try:
        return plain(value) if codec is None else codec.encode(value)
    except ValueError as error:
        where = f"argument {which}" if isinstance(which, int) else f"argument {which}="
        raise ArgumentError(where, value, str(error)) from None


@lru_cache(maxsize=1024)
def _parameters(function: Callable[..., Any]) -> Parameters:
    return Parameters(function)


#: Of a call by name: nothing is known of it here.
_NONE = Parameters(lambda *_, **__: None)
