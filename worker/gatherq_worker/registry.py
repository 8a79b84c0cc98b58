"""The registry: handlers by name, and how the arguments of a job fit a handler."""

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha1
from typing import Any

from gatherq.contract.batch_options import interval_of
from gatherq.contract.checks.near_match import did_you_mean
from gatherq.contract.job_definition import JobDefinition
from gatherq.contract.records import cut
from gatherq.contract.scheduling.schedules import schedules_of
from gatherq.contract.short_repr import value_repr
from gatherq.contract.values.annotations import Codecs, annotation_text, codecs_of
from gatherq.contract.values.codec import Decoder, Encoder, encode
from gatherq.contract.values.error_text import text_of
from gatherq.contract.values.unannotated_values import encoder
from gatherq.store.parking import Gate

from .loading import LoadError, imported, without_jobs

#: Longest JSON of an argument that is part of the name of a gate, in bytes.
_LONGEST_VALUE = 200


class UnknownJob(LookupError):
    """A worker has no handler of that name."""


class Handler:
    """A function that a worker has under a name, and how to call it; never changed.

    `takes_ctx` says that it is arq's: it takes `ctx` first, and its arguments as they come.
    """

    __slots__ = (
        "codecs",
        "decoders",
        "definition",
        "encode",
        "function",
        "has_gate",
        "keep",
        "keep_in_progress",
        "lane",
        "name",
        "needs_place",
        "positional",
        "schedules",
        "signature",
        "takes_ctx",
    )

    def __init__(
        self,
        definition: JobDefinition,
        function: Callable[..., Any],
        *,
        takes_ctx: bool = False,
        keep: float | None = None,
        keep_in_progress: float = 0.0,
    ) -> None:
        self.definition, self.name = definition, definition.name
        self.function, self.takes_ctx = function, takes_ctx
        #: Seconds to keep the result of a job without a batch, inf for ever; None: the worker's.
        self.keep = keep
        #: Seconds for which plain arq workers leave its jobs alone after their end.
        self.keep_in_progress = keep_in_progress
        #: When it runs by itself.
        self.schedules = () if takes_ctx else schedules_of(function)
        #: Whether an execution waits for a place: for all but the event loop, and for a limit.
        self.needs_place = definition.isolation in ("thread", "process") or (
            definition.concurrency is not None
        )
        #: The lane that its jobs wait in where there is no place; empty if they need none.
        self.lane = lane_of(definition)
        #: Whether its jobs pass a gate.
        self.has_gate = definition.max_at_once is not None or definition.max_per_second is not None
        self.signature = inspect.signature(function)
        kinds = [parameter.kind for parameter in self.signature.parameters.values()]
        ordinary = all(kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for kind in kinds)
        #: Number of parameters, where all of them are ordinary ones; else -1.
        self.positional = len(kinds) if ordinary else -1
        self.codecs = Codecs({}, {}, {}) if takes_ctx else codecs_of(function)
        #: Makes of its results what JSON writes in their place.
        self.encode: Encoder = encoder(self.codecs.by_name.get("return"))
        self.decoders = self._decoders()

    @classmethod
    def of(cls, function: Callable[..., Any]) -> "Handler":
        """Make the handler of a function decorated with `@job`."""
        definition: JobDefinition = function.definition  # type: ignore[attr-defined]
        return cls(definition, function)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handler) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        kept = self.keep, self.keep_in_progress
        return self.definition, self.function, self.takes_ctx, *kept

    def max_attempts(self, default: int) -> int:
        """Return how many executions of a job may be started."""
        definition = self.definition
        return definition.max_attempts or max(default, definition.rules.retries + 1)

    def gate(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Gate | None:
        """Return the gate of a call; None for arguments that do not fit, which will fail."""
        definition, name = self.definition, self.name
        if definition.per is not None:
            try:
                bound = self.signature.bind(*args, **kwargs)
            except TypeError:
                return None
            bound.apply_defaults()
            name = gate_name(name, bound.arguments[definition.per])
        rate = definition.max_per_second
        interval = None if rate is None else interval_of(rate)
        return Gate(name, definition.max_at_once, interval)

    def bind(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Fit the arguments to the signature and their annotations; raises TypeError."""
        if not kwargs and len(args) == self.positional and not self.decoders:
            return args, kwargs  # the common case, which needs no signature
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}() cannot take these arguments: {error}") from None
        for name, decode in self.decoders.items():
            if name in bound.arguments:
                bound.arguments[name] = self._decoded(name, decode, bound.arguments[name])
        return bound.args, bound.kwargs

    def _decoded(self, name: str, decode: Decoder, value: Any) -> Any:
        parameter = self.signature.parameters[name]
        kind = parameter.kind
        try:
            if kind is inspect.Parameter.VAR_POSITIONAL:
                return tuple(map(decode, value))
            if kind is inspect.Parameter.VAR_KEYWORD:
                keys = self.codecs.keys
                return {k: (keys[k].decode if k in keys else decode)(v) for k, v in value.items()}
            return decode(value)
        except ValueError as error:
            wanted = annotation_text(self.function, parameter.annotation)
            raise TypeError(
                f"{self.name}() argument {name} must be {wanted}: {text_of(error)}"
            ) from None

    def _decoders(self) -> dict[str, Decoder]:
        found: dict[str, Decoder] = {
            name: codec.decode for name, codec in self.codecs.by_name.items()
        }
        found.pop("return", None)
        if self.codecs.keys:  # the last parameter is **kwargs, and has an annotation by key
            found[[*self.signature.parameters][-1]] = _as_it_is
        return found


def lane_of(definition: JobDefinition) -> str:
    """Return the lane of a handler's jobs; empty for those that need no place."""
    if definition.concurrency is not None:
        return f"job-{definition.name}"
    return definition.isolation if definition.isolation in ("thread", "process") else ""


def gate_name(name: str, value: Any) -> str:
    """Return the name of the gate that a job has for a value of one of its arguments."""
    try:
        text = encode(value).decode()
    except (ValueError, TypeError):  # a default that JSON cannot write
        text = value_repr(value)
    if len(text) > _LONGEST_VALUE:
        text = f"sha1-{sha1(text.encode(), usedforsecurity=False).hexdigest()}"
    return f"{name}:{text}"


class Registry:
    """The handlers of one worker."""

    def __init__(self, handlers: Iterable[Handler]) -> None:
        self._by_name: dict[str, Handler] = {}
        for handler in handlers:
            other = self._by_name.setdefault(handler.name, handler)
            if other.function is not handler.function:
                raise LoadError(
                    f"two jobs are named {handler.name!r}: {_where(other.function)} and "
                    f"{_where(handler.function)}; give one of them @job(name=...)"
                )

    def __iter__(self) -> Any:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def find(self, name: str) -> Handler:
        """Return the handler of that name; raises UnknownJob with near matches."""
        try:
            return self._by_name[name]
        except KeyError:
            name = cut(name)
            near = did_you_mean(name, self._by_name)
            known = f"this worker runs: {', '.join(sorted(self._by_name))[:500]}"
            hint = f"{near} {known}" if near else known
            raise UnknownJob(f"no job named {name!r} here; {hint}") from None


def load(modules: Iterable[str]) -> list[Handler]:
    """Import modules and return the handlers of the jobs in them.

    Raises LoadError, and whatever a module raises.
    """
    found = [handler for module in modules for handler in _load(module)]
    Registry(found)
    return found


def _load(named: str) -> list[Handler]:
    module = imported(named)
    name = module.__name__
    for word, value in vars(module).items():
        if _is_hidden(value):
            raise LoadError(
                f"{name}.{word} is a job inside of {value!r}: what wraps a job must be a function; "
                "write @job above the other decorator's function, or leave that out"
            )
        if _is_no_job_yet(value):
            raise LoadError(
                f"{name}.{word} has a schedule, and is no job: write @job() beside its @cron(...)"
            )
    functions = {id(f): f for f in vars(module).values() if _is_job(f)}
    if not functions and name == "__main__":
        raise LoadError(
            "a job with isolation='process' is imported by another process: write it in a module, "
            "not in the program itself (__main__)"
        )
    if not functions:
        raise LoadError(without_jobs(module))
    return [Handler.of(function) for function in functions.values()]


def _is_job(value: object) -> bool:
    return inspect.isfunction(value) and isinstance(
        getattr(value, "definition", None), JobDefinition
    )


def _is_no_job_yet(value: object) -> bool:
    return inspect.isfunction(value) and bool(schedules_of(value)) and not _is_job(value)


def _is_hidden(value: object) -> bool:
    """Tell whether it is a job that something else wraps, as `lru_cache` does."""
    own = getattr(value, "__dict__", {}).get("definition")
    return isinstance(own, JobDefinition) and not _is_job(value)


def _as_it_is(value: Any) -> Any:
    return value


def _where(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def importable(handler: Handler) -> bool:
    """Tell whether another process can find the handler by its module's name."""
    module = sys.modules.get(handler.function.__module__)
    return handler.function.__module__ != "__main__" and handler.function in vars(module).values()
