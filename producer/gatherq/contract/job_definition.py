"""The definition that `@job` gives a function, checked where the decorator is written."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from gatherq.errors import InvalidCall, check_delay

from .validation import check_timeout

#: Where a job runs: in the event loop, in a thread, or in a process of its own.
Isolation = Literal["loop", "thread", "process"]


@dataclass(frozen=True, slots=True)
class RetryRules:
    """After which errors a job runs again, how often, and when."""

    retries: int = 0
    retry_on: type[Exception] | tuple[type[Exception], ...] = Exception
    timeouts: bool = False
    #: Seconds before the first retry.
    backoff: float = 1.0
    #: Share of each delay, 0 to 1, that is taken off at random.
    jitter: float = 0.5


NO_RETRIES = RetryRules()


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """Settings of a handler, as `@job` gives them; None leaves a setting to the worker."""

    name: str
    timeout: float | None = None
    max_attempts: int | None = None
    isolation: Isolation | None = None
    grace: float | None = None
    concurrency: int | None = None
    memory: int | None = None
    rules: RetryRules = NO_RETRIES

    def of(self, function: Callable[..., Any]) -> "JobDefinition":
        """Return the definition with the name and isolation of `function`.

        Raises TypeError for a function that is no handler, or cannot run in that isolation.
        """
        check_function(function, named=bool(self.name))
        is_async = inspect.iscoroutinefunction(function)
        isolation = self.isolation or ("loop" if is_async else "thread")
        if isolation == ("thread" if is_async else "loop"):
            kind, other = ("an async", "'loop'") if is_async else ("a plain", "'thread'")
            raise TypeError(
                f"@job(isolation={isolation!r}) cannot run {kind} def function, {function!r}; "
                f"use {other} or 'process'"
            )
        return replace(self, name=self.name or function.__qualname__, isolation=isolation)


def check_function(function: object, *, named: bool) -> None:
    """Raise TypeError, with advice, for a function that no worker could find by name, or run."""
    if not inspect.isfunction(function):
        advice = "write @job directly above a function of the module, below other decorators"
        raise TypeError(f"@job needs a function, not {function!r}; {advice}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"@job needs a function that returns; {function!r} yields")
    inside = function.__qualname__.rpartition(".")[0]
    if inside and not inside.endswith("<locals>"):
        raise TypeError(
            f"@job needs a function of a module; {function.__qualname__} is written in a class, "
            "where no worker finds it: move it out of the class"
        )
    if (inside or function.__name__ == "<lambda>") and not named:
        raise TypeError(
            f"@job needs a name that workers know; {function.__qualname__} has none: write it with "
            "`def` at the top of a module, give functools.wraps to what wraps it, or use "
            "@job(name=...) and pass it to the worker, or bind it in a module"
        )


def check_definition(definition: JobDefinition) -> None:
    """Raise InvalidCall for a setting that no job can have."""
    check_timeout(definition.timeout)
    rules = definition.rules
    if definition.grace is not None:
        check_delay(definition.grace, "grace")
    check_delay(rules.backoff, "backoff")
    at_least = {"max_attempts": 1, "concurrency": 1, "memory": 1}
    for what, least in at_least.items():
        value = getattr(definition, what)
        if value is not None and (type(value) is not int or value < least):
            raise InvalidCall(f"{what} must be {least} or more, not {value!r}")
    if type(rules.retries) is not int or rules.retries < 0:
        raise InvalidCall(f"retries must be 0 or more, not {rules.retries!r}")
    if not 0 <= rules.jitter <= 1:
        raise InvalidCall(f"jitter must be between 0 and 1, not {rules.jitter!r}")
    if definition.isolation not in (None, "loop", "thread", "process"):
        raise InvalidCall(
            f"isolation must be loop, thread or process, not {definition.isolation!r}"
        )
    if definition.memory is not None and definition.isolation != "process":
        raise InvalidCall("memory= limits a process: give isolation='process' too")
