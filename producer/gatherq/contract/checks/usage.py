"""A function called with the wrong number of arguments, or a name that it does not take."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from gatherq.errors import InvalidArguments

from .near_match import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])
#: What to say of positional arguments that a function does not take.
Advice = Callable[[tuple[Any, ...]], str]


def usage(name: str, advice: str | Advice, **elsewhere: str) -> Callable[[F], F]:
    """Make a function raise InvalidArguments, with advice, where Python's own TypeError has none.

    `name` is what users call it; `advice` says what it takes, and how that is written. `elsewhere`
    says of options that others have what to write here. A right call costs one more frame.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except TypeError:
                said = _problem(function, advice, elsewhere, args, kwargs)
                if not said:
                    raise  # of its own
            raise InvalidArguments(f"{name} {said}")

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await called(*args, **kwargs)

        return cast("F", awaited if inspect.iscoroutinefunction(function) else called)

    return decorate


def _problem(
    function: Callable[..., Any],
    advice: str | Advice,
    elsewhere: Mapping[str, str],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> str:
    """Say what is wrong with the shape of a call; empty if nothing is."""
    signature = inspect.signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        names = [each for each in signature.parameters if each != "self"]
        unknown = [word for word in kwargs if word not in names]
        if unknown:
            return _no_option(unknown[0], _options(signature), elsewhere)
        given = args[len(signature.parameters) - len(names) :]
        return f"takes {advice if isinstance(advice, str) else advice(given)}"
    return ""


def _options(signature: inspect.Signature) -> list[str]:
    named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    found = [each.name for each in signature.parameters.values() if each.kind in named]
    return [name for name in found if name != "self"]


def _no_option(word: str, options: list[str], elsewhere: Mapping[str, str]) -> str:
    """Say that there is no option of that name, and which there are."""
    if not options:
        return f"has no option {word!r}: {elsewhere.get(word) or 'it takes none'}"
    hint = elsewhere.get(word) or did_you_mean(word, options, 1)
    known = f"it takes {', '.join(options)}"
    return f"has no option {word!r}: {f'{hint} ({known})' if hint else known}"
