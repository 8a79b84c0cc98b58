"""The definition that `@job` gives a function, checked where the decorator is written."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from .checks.job_settings import check_function, check_isolation, check_per

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
    """Settings of a handler, as `@job` gives them; None leaves a setting to the worker.

    It is the job's `definition`. Times are in seconds, `memory` in bytes.
    """

    name: str
    timeout: float | None = None
    max_attempts: int | None = None
    isolation: Isolation | None = None
    grace: float | None = None
    concurrency: int | None = None
    memory: int | None = None
    rules: RetryRules = NO_RETRIES
    #: How many of its jobs may be at work at once on all workers, and start in a second; each of
    #: those with the same value of the argument `per`, if one is named.
    max_at_once: int | None = None
    max_per_second: float | None = None
    per: str | None = None
    #: Whether a call's arguments are held against their annotations where it is made.
    validate: bool = False

    def of(self, function: Callable[..., Any]) -> "JobDefinition":
        """Return the definition with the name and isolation of `function`.

        Raises TypeError for a function that is no handler, or cannot run in that isolation.
        """
        check_function(function, named=bool(self.name))
        is_async = inspect.iscoroutinefunction(function)
        isolation = self.isolation or ("loop" if is_async else "thread")
        check_isolation(function, isolation, is_async=is_async)
        check_per(function, self)
        return replace(self, name=self.name or function.__qualname__, isolation=isolation)
