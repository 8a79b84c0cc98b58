"""`@job` makes a function a handler; `.call(...)` and `call(...)` describe a job to submit."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    NoReturn,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    overload,
)

from gatherq.errors import InvalidArguments, check_delay

from .checks.call_signature import CallSignature
from .checks.call_validation import CallValidator
from .checks.job_settings import check_settings
from .checks.usage import usage
from .job_definition import Isolation, JobDefinition, RetryRules
from .short_repr import call_repr, value_repr
from .validation import check_priority, check_timeout
from .values.annotations import codecs_of
from .values.codec import Decoder

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True, repr=False)
class Call(Generic[R_co]):
    """The description of a job to be submitted: its name and its arguments. Nothing runs yet.

        chopping = chop.call("onion", 12).with_timeout(10)
        text = await producer.gather(chopping)

    Times are in seconds. `str()` shows it as a line of source code.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None
    timeout: float | None = None
    function: Callable[..., Any] | None = None
    queue_timeout: float | None = None
    #: From -9 to 9, higher first; None for that of its batch.
    priority: int | None = None
    #: When it may start, in seconds from its submission; None for when its batch may.
    delay: float | None = None
    #: Name and arguments as JSON, once encoded, so that an iterator is read only once.
    written: bytes | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Show the job as a line of source code, cut to some 90 characters."""
        return call_repr(self.name, self.args, self.kwargs)

    def __repr__(self) -> str:
        text = call_repr("call", (self.name, *self.args), self.kwargs)
        limits = {"timeout": self.timeout, "queue_timeout": self.queue_timeout}
        given = [f".with_{what}({s:g})" for what, s in limits.items() if s is not None]
        if self.priority is not None:
            given.append(f".with_priority({self.priority})")
        if self.delay is not None:
            given.append(f".after({self.delay:g})")
        return "".join([text, *given])

    if not TYPE_CHECKING:  # type checkers refuse it as it is; Python's own error has no advice

        def __await__(self) -> NoReturn:
            raise TypeError(
                f"{self} is the description of a job: `await producer.gather(...)` runs it on the "
                "pool, and the function itself, without `.call`, runs here"
            )

    def with_queue_timeout(self, seconds: float) -> "Call[R_co]":
        """Return this call with a limit on its wait in the queue, in seconds."""
        return replace(self, queue_timeout=check_timeout(seconds, "queue_timeout"))

    def with_timeout(self, timeout: float) -> "Call[R_co]":
        """Return this call with an execution limit of its own, in seconds."""
        return replace(self, timeout=check_timeout(timeout))

    def with_priority(self, priority: int) -> "Call[R_co]":
        """Return this call with a priority of its own: from -9 to 9, higher first."""
        return replace(self, priority=check_priority(priority))

    def after(self, seconds: float) -> "Call[R_co]":
        """Return this call to start so many seconds after its submission, or later."""
        return replace(self, delay=check_delay(seconds, "after"))

    @property
    def decode(self) -> Decoder | None:
        """The function that makes the annotated type of a JSON result; None if none is needed."""
        if self.function is None:
            return None
        codec = codecs_of(self.function).by_name.get("return")
        return None if codec is None else codec.decode


class Job(Protocol[P, R_co]):
    """A decorated handler: still the coroutine function that it was, with `call` added.

    So a test needs no server:

        text = await chop("carrot", 3)       # runs here
        chopping = chop.call("carrot", 3)    # to be submitted
    """

    @property
    def definition(self) -> JobDefinition: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R_co]: ...

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[R_co]:
        """Describe a job to be submitted, by the arguments of the function.

        Raises InvalidArguments for a wrong number or wrong names of arguments, and for values of
        another type where the job is `@job(validate=True)`.
        """
        ...


class PlainJob(Protocol[P, R_co]):
    """A decorated plain function: still the function that it was, with `call` added.

    So a test needs no server:

        text = peel("carrot")          # runs here
        peeling = peel.call("carrot")  # to be submitted
    """

    @property
    def definition(self) -> JobDefinition: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[R_co]:
        """Describe a job to be submitted, by the arguments of the function.

        Raises InvalidArguments for a wrong number or wrong names of arguments, and for values of
        another type where the job is `@job(validate=True)`.
        """
        ...


class _Decorator(Protocol):
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Job[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> PlainJob[P, R]: ...


@overload
def job(function: Callable[P, Coroutine[Any, Any, R]], /) -> Job[P, R]: ...
@overload
def job(function: Callable[P, R], /) -> PlainJob[P, R]: ...
@overload
def job(
    *,
    name: str | None = None,
    timeout: float | None = None,
    max_attempts: int | None = None,
    isolation: Isolation | None = None,
    grace: float | None = None,
    concurrency: int | None = None,
    memory: int | None = None,
    retries: int = 0,
    retry_on: type[Exception] | tuple[type[Exception], ...] = Exception,
    retry_timeouts: bool = False,
    backoff: float = 1.0,
    jitter: float = 0.5,
    max_at_once: int | None = None,
    max_per_second: float | None = None,
    per: str | None = None,
    validate: bool = False,
) -> _Decorator: ...
@usage("@job", "a function, or options by name: @job(timeout=10)")
def job(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: float | None = None,
    max_attempts: int | None = None,
    isolation: Isolation | None = None,
    grace: float | None = None,
    concurrency: int | None = None,
    memory: int | None = None,
    retries: int = 0,
    retry_on: type[Exception] | tuple[type[Exception], ...] = Exception,
    retry_timeouts: bool = False,
    backoff: float = 1.0,
    jitter: float = 0.5,
    max_at_once: int | None = None,
    max_per_second: float | None = None,
    per: str | None = None,
    validate: bool = False,
) -> Any:
    """Make a function a job that workers can run: `@job`, or `@job(timeout=10)`.

        @job(timeout=10, retries=3, retry_on=OSError)
        async def fetch(url: str) -> str: ...

    `name` is its `__qualname__` unless given. `timeout` limits each execution, in seconds; a
    timeout given with the call or its batch wins. `max_attempts` is how many executions may be
    started in all: 2, or `retries` + 1.

    `isolation` says where it runs: "loop" (for `async def`, the default there), "thread" (for a
    plain `def`, the default there), or "process", which is killed with its children when its time
    is over. `grace` is how many seconds cleaning up may take after the timeout. `concurrency` is
    how many of it one worker process runs at a time. `memory` limits the address space of its
    process, in bytes.

    `retries` runs it again, so many times, after an exception of `retry_on`, and after a timeout
    too with `retry_timeouts`; `raise Retry(delay)` asks for that from within. The first retry
    waits `backoff` seconds, each further one twice as long, at most an hour; `jitter` is the part
    of that, 0 to 1, that is taken off at random.

    `max_at_once` is how many of it may be at work at once on all workers together, and
    `max_per_second` how many may start in a second; `per="host"` makes that a limit for each value
    of the argument `host`. What must wait takes no place of a worker.

    `validate` makes `.call` check the values of arguments, too: InvalidArguments for one that would
    not be of its annotation in the worker. It writes and reads them for that: some microseconds.

    Raises TypeError for what is no function of a module, InvalidArguments for an option that there
    is not, and InvalidCall for a bad setting.
    """
    rules = RetryRules(retries, retry_on, retry_timeouts, backoff, jitter)
    definition = JobDefinition(
        name or "",
        timeout,
        max_attempts,
        isolation,
        grace,
        concurrency,
        memory,
        rules,
        max_at_once,
        max_per_second,
        per,
        validate,
    )
    check_settings(name, definition)

    def decorate(function: Callable[P, Any]) -> Any:
        attributes = cast("Any", function)
        attributes.definition = definition.of(function)
        attributes.call = _call_maker(attributes.definition, function)
        return function

    return decorate if function is None else decorate(function)


def _call_maker(
    definition: JobDefinition, function: Callable[..., Any]
) -> Callable[..., Call[Any]]:
    """Return the function that makes calls of a job, of the arguments that it takes."""
    name, signature = definition.name, CallSignature(function)
    write = CallValidator(function, signature).write if definition.validate else None

    def call(*args: Any, **kwargs: Any) -> Call[Any]:
        if (len(args), *kwargs) not in signature.known:
            problem = signature.problem(args, kwargs)
            if problem:
                raise problem
        if write is None:
            return Call(name, args, kwargs or None, None, function)
        written = write(name, args, kwargs)
        return Call(name, args, kwargs or None, function=function, written=written)

    call.__module__, call.__qualname__ = function.__module__, f"{function.__qualname__}.call"
    call.__doc__ = f"Describe a job, {function.__qualname__}(...), to be submitted."
    # For whoever asks for its signature, which is that of the function.
    cast("Any", call).__wrapped__ = function
    return call


def call(name: str, /, *args: Any, **kwargs: Any) -> Call[Any]:
    """Describe a job by its name alone; its result comes back as JSON's types.

        batch = await producer.submit([call("chop", "onion", seconds=12)])

    For a producer without the job's module. Nothing is checked here: a name that no worker knows,
    and arguments that do not fit, make the job `Failed`. Raises InvalidArguments for a function.
    """
    if callable(name):
        written = f"{getattr(name, '__name__', 'chop')}.call"
        raise InvalidArguments(
            f"call takes the name of a job, not {value_repr(name)}: write {written}(...)"
        )
    return Call(name, args, kwargs or None)
