"""The signature of a job's function, held against the arguments of a call."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from inspect import Signature
from typing import Any

from gatherq.contract.short_repr import arguments_repr, cut
from gatherq.errors import InvalidArguments

#: Most shapes of calls that are remembered: a function of `**names` takes any number of them.
_MOST_SHAPES = 256


class CallSignature:
    """Tells arguments that a function takes from others; it is read at the first call.

    That depends on a call's *shape* alone: the number of arguments, and the names of the others.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        #: Shapes that the function takes, `(number, *names)`: they need no other look.
        self.known: set[tuple[object, ...]] = set()

    def problem(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> InvalidArguments | None:
        """Return what is wrong with the number or the names of arguments; None if nothing is."""
        name = self._function.__name__
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            said = str(error)
            got = "got " if said.startswith(("too", "multiple")) else ""
            return InvalidArguments(
                f"{name}() {got}{said}: {name}.call({arguments_repr(args, kwargs)}); "
                f"its signature is {self}",
                name=name,
            )
        if len(self.known) < _MOST_SHAPES:
            self.known.add((len(args), *kwargs))
        return None

    @cached_property
    def signature(self) -> Signature:
        """The signature of the function."""
        return inspect.signature(self._function)

    def __str__(self) -> str:
        return cut(str(self.signature.replace(return_annotation=Signature.empty)), 200)
