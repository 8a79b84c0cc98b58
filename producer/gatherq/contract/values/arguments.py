"""Arguments of a call as JSON's types, encoded by the annotations of its function."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gatherq.contract.interruptions import INTERRUPTIONS

from .annotations import codecs_of
from .codec import Encoder
from .error_text import text_of
from .lazy_values import Untransportable, is_json
from .unannotated_values import encoder, plain


class ArgumentError(ValueError):
    """An argument cannot travel; `where` names the argument, `value` is its value."""

    def __init__(self, where: str, value: Any, problem: str) -> None:
        self.where = where
        self.value = value
        super().__init__(problem)


class Parameters:
    """The encoders of one function's arguments, by position and by name."""

    def __init__(self, function: Callable[..., Any]) -> None:
        codecs = codecs_of(function)
        self._positions: list[Encoder] = []
        self._names = {name: encoder(codec) for name, codec in codecs.keys.items()}
        self._rest: Encoder = plain
        self._others: Encoder = plain
        for name, parameter in inspect.signature(function).parameters.items():
            encode = encoder(codecs.by_name.get(name))
            if parameter.kind is parameter.VAR_POSITIONAL:
                self._rest = encode
            elif parameter.kind is parameter.VAR_KEYWORD:
                self._others = encode
            else:
                if parameter.kind is not parameter.KEYWORD_ONLY:
                    self._positions.append(encode)
                if parameter.kind is not parameter.POSITIONAL_ONLY:
                    self._names[name] = encode
        #: Whether JSON's own types suffice for all annotations of arguments.
        self.plain: bool = not (codecs.keys or codecs.by_name.keys() - {"return"})

    def at(self, index: int) -> Encoder:
        """Return the encoder of the argument at a position."""
        return self._positions[index] if index < len(self._positions) else self._rest

    def named(self, name: str) -> Encoder:
        """Return the encoder of the argument of a name."""
        return self._names.get(name, self._others)


def encode_arguments(
    function: Callable[..., Any] | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return arguments as JSON's types; raises ArgumentError for the first that cannot travel."""
    parameters = _NONE if function is None else _parameters(function)
    if parameters.plain and is_json(args) and (not kwargs or is_json(kwargs.values())):
        return args, kwargs  # the usual case
    encoded = [_one(i, parameters.at(i), value) for i, value in enumerate(args)]
    return encoded, {n: _one(n, parameters.named(n), value) for n, value in kwargs.items()}


def _one(which: int | str, encode: Encoder, value: Any) -> Any:
    try:
        return encode(value)
    except INTERRUPTIONS:
        raise
    except BaseException as error:
        where = f"argument {which}" if isinstance(which, int) else f"argument {which}="
        cause = error.__cause__ if isinstance(error, Untransportable) else error
        raise ArgumentError(where, value, text_of(error)) from cause


@lru_cache(maxsize=1024)
def _parameters(function: Callable[..., Any]) -> Parameters:
    return Parameters(function)


#: Of a call by name, whose function is unknown here.
_NONE = Parameters(lambda *_, **__: None)
