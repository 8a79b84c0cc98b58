"""`@job` names a handler; `.call(...)` and `call(...)` name one execution of it."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast, get_type_hints

from .codec import Decoder, decoder
from .errors import InvalidCall
from .limits import check_timeout

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """What `@job` says of a handler; `None` leaves it to the worker."""

    name: str
    timeout: float | None = None
    max_attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[R_co]):
    """One execution to be submitted: a name and its arguments."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None
    timeout: float | None = None
    function: Callable[..., Any] | None = None
    queue_timeout: float | None = None

    def with_queue_timeout(self, seconds: float) -> "Call[R_co]":
        """Return this call with a limit on its wait in the queue, in seconds."""
        return replace(self, queue_timeout=check_timeout(seconds, "queue_timeout"))

    def with_timeout(self, timeout: float) -> "Call[R_co]":
        """Return this call with an execution limit of its own, in seconds."""
        return replace(self, timeout=check_timeout(timeout))

    @property
    def decode(self) -> Decoder | None:
        """What turns the JSON result into the annotated type; None if it is that already."""
        return None if self.function is None else _result_decoder(self.function)


class Job(Protocol[P, R_co]):
    """A decorated handler: still the coroutine function that it was, with `call` added."""

    @property
    def definition(self) -> JobDefinition: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R_co]: ...

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[R_co]:
        """Name one execution, to be submitted: the arguments of the function, checked by type."""
        ...


def job(
    *, name: str | None = None, timeout: float | None = None, max_attempts: int | None = None
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Job[P, R]]:
    """Make a coroutine function a job that workers can run.

    `name` is its `__qualname__` unless given. `timeout` limits each execution, in seconds; a
    timeout given with the call or its batch wins. `max_attempts` is how many executions may be
    started when workers die under it.
    """
    check_timeout(timeout)
    if max_attempts is not None and max_attempts < 1:
        raise InvalidCall(f"max_attempts must be 1 or more, not {max_attempts!r}")

    def decorate(function: Callable[P, Coroutine[Any, Any, R]]) -> Job[P, R]:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"@job needs an `async def` function, not {function!r}")
        definition = JobDefinition(name or function.__qualname__, timeout, max_attempts)
        attributes = cast("Any", function)
        attributes.definition = definition
        attributes.call = lambda *args, **kwargs: Call(
            definition.name, args, kwargs or None, function=function
        )
        return cast("Job[P, R]", function)

    return decorate


def call(name: str, /, *args: Any, **kwargs: Any) -> Call[Any]:
    """Name one execution by the job's name alone; its result comes back as JSON's types."""
    return Call(name, args, kwargs or None)


@cache
def _result_decoder(function: Callable[..., Any]) -> Decoder | None:
    return decoder(get_type_hints(function, include_extras=True).get("return", Any))
