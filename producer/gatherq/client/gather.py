"""`gather`: asyncio's, with its overloads."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.checks.usage import usage
from gatherq.contract.jobs import Call
from gatherq.contract.outcomes import Succeeded, exception_of
from gatherq.errors import NoWorkers

from .batch import Batch, stop
from .misuse.checks import check_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatherq.telemetry.producer_spans import ProducerSpans, Waiting

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")


class Gatherer:
    """Adds `gather` to a class that submits batches."""

    if TYPE_CHECKING:
        _spans: ProducerSpans

        async def _submit(
            self,
            calls: Sequence[Call[Any]],
            origin: BatchOrigin,
            waiting: Waiting | None = None,
            *,
            timeout: float | None = None,
            lease: float | None = None,
            max_at_once: int | None = None,
            max_per_second: float | None = None,
            priority: int = 0,
        ) -> Batch[Any]: ...

    # The overloads are those of asyncio.gather (typeshed), for calls instead of awaitables.
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        c1: Call[T1],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: Literal[False] = False,
    ) -> tuple[T1]: ...
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        c1: Call[T1],
        c2: Call[T2],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: Literal[False] = False,
    ) -> tuple[T1, T2]: ...
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        c1: Call[T1],
        c2: Call[T2],
        c3: Call[T3],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: Literal[False] = False,
    ) -> tuple[T1, T2, T3]: ...
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        c1: Call[T1],
        c2: Call[T2],
        c3: Call[T3],
        c4: Call[T4],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: Literal[False] = False,
    ) -> tuple[T1, T2, T3, T4]: ...
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        c1: Call[T1],
        c2: Call[T2],
        c3: Call[T3],
        c4: Call[T4],
        c5: Call[T5],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: Literal[False] = False,
    ) -> tuple[T1, T2, T3, T4, T5]: ...
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        *calls: Call[T],
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: Literal[False] = False,
    ) -> list[T]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: bool,
    ) -> tuple[T1 | BaseException]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        c2: Call[T2],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: bool,
    ) -> tuple[T1 | BaseException, T2 | BaseException]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        c2: Call[T2],
        c3: Call[T3],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: bool,
    ) -> tuple[T1 | BaseException, T2 | BaseException, T3 | BaseException]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        c2: Call[T2],
        c3: Call[T3],
        c4: Call[T4],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: bool,
    ) -> tuple[T1 | BaseException, T2 | BaseException, T3 | BaseException, T4 | BaseException]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        c2: Call[T2],
        c3: Call[T3],
        c4: Call[T4],
        c5: Call[T5],
        /,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: bool,
    ) -> tuple[
        T1 | BaseException,
        T2 | BaseException,
        T3 | BaseException,
        T4 | BaseException,
        T5 | BaseException,
    ]: ...
    @overload
    async def gather(
        self,
        *calls: Call[T],
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: bool,
    ) -> list[T | BaseException]: ...

    @usage("gather", "calls, and options by name: gather(c1, c2, timeout=10)")
    async def gather(
        self,
        *calls: Call[Any],
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
        return_exceptions: bool = False,
    ) -> Any:
        """Run all calls on the pool and return their values, in the order they were given.

        As `asyncio.gather`: the first error to happen is raised at once while the other jobs go
        on; with `return_exceptions=True` errors stand in the list in place of values. Cancelled
        itself, it cancels all that is not finished, and ends when that has. `timeout` limits each
        job, as `asyncio.wait_for` around each would. `lease`: a time in seconds after which what
        is not finished is cancelled, if this process has died; without one it runs on. At most
        `max_at_once` are at work at once on all workers together, as under an `asyncio.Semaphore`,
        and at most `max_per_second` start in a second. `priority` is from -9 to 9, higher first.
        `label`: a line that says in lists of batches what this one is.

            carrot, tomato = await producer.gather(chop.call("carrot", 3), chop.call("tomato", 5))
            texts = await producer.gather(*[chop.call(name, 3) for name in ("leek", "onion")])

        Raises what `outcome.unwrap()` does: a job's builtin exception as itself, RemoteError,
        JobTimeout, JobCancelled or JobLost; and InvalidCall, PayloadTooLarge and RedisUnavailable.
        """
        check_calls("gather", calls)
        origin = BatchOrigin.here("gather", label)
        with self._spans.waiting("gather") as waiting:
            batch = await self._submit(
                calls,
                origin,
                waiting,
                timeout=timeout,
                lease=lease,
                max_at_once=max_at_once,
                max_per_second=max_per_second,
                priority=priority,
            )
            try:
                return await _values(batch, return_exceptions)
            except _FirstError as first:
                raise first.error from first.error.__cause__
            except (asyncio.CancelledError, NoWorkers):
                await stop(batch)
                raise


class _FirstError(Exception):
    """Carries the error of a job, apart from errors of the reading itself.

    A job may have raised CancelledError, which is no cancellation of this task.
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(error)


async def _values(batch: Batch[Any], return_exceptions: bool) -> list[Any]:
    values: list[Any] = [None] * len(batch)
    async with aclosing(batch.as_completed()) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Succeeded):
                values[outcome.slot] = outcome.value
            elif return_exceptions:
                values[outcome.slot] = exception_of(outcome)
            else:
                raise _FirstError(exception_of(outcome))
    return values
