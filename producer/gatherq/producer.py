"""`Producer`: asyncio's `gather`, across a pool of machines."""

import secrets
from collections.abc import Iterable
from typing import Any, Literal, Self, TypeVar, overload

from redis.asyncio import Redis

from . import connection, submit
from .batch import Batch
from .calls import Call
from .errors import BatchConflict, BatchNotFound
from .lease import Leases
from .limits import check_batch_id, check_timeout
from .outcomes import Succeeded, exception_of
from .retrying import Retrying
from .settings import Settings
from .store import Store, Submitted
from .terms import Terms, batch_deadline, tolerated

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
E_ = BaseException


class Producer:
    """Submits batches and collects their outcomes.

    Use it as `async with Producer("redis://localhost:6379") as producer:`. What is not given is
    read from the environment: `GATHERQ_REDIS_URL`, `GATHERQ_QUEUE`, `GATHERQ_KEEP` (seconds that
    a batch stays in Redis after it has ended), `GATHERQ_PATIENCE` (seconds of going on trying
    while Redis is away).
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        queue: str | None = None,
        keep: float | None = None,
        patience: float | None = None,
    ) -> None:
        given = {"redis_url": redis_url, "queue": queue, "keep": keep, "patience": patience}
        settings = Settings(**{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]
        self._url = settings.redis_url
        self._keep = settings.keep
        self._redis = Redis(connection_pool=connection.connection_pool(self._url))
        self._store = Store(self._redis, settings.queue)
        self._retrying = Retrying(self._url, settings.patience)
        self._leases = Leases(self._store.renew_lease)

    async def __aenter__(self) -> Self:
        """Raise RedisUnavailable at once if the server does not answer."""
        try:
            await connection.check(self._redis, self._url)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections. What was submitted goes on, unless it has a lease."""
        await self._leases.aclose()
        await self._redis.connection_pool.disconnect()

    @property
    def url(self) -> str:
        """URL of the server, its password masked."""
        return connection.masked(self._url)

    @property
    def redis(self) -> "Redis":
        """The Redis client of this producer, for readers of arq's keys."""
        return self._redis

    async def submit(
        self,
        calls: Iterable[Call[T]],
        *,
        timeout: float | None = None,
        batch_id: str | None = None,
        tolerate: float | None = None,
        deadline: float | None = None,
        queue_timeout: float | None = None,
        lease: float | None = None,
    ) -> Batch[T]:
        """Write a batch into Redis and return its handle, without waiting for any job.

        `timeout` limits the execution of each job, in seconds; a call's own wins, and both win
        over `@job`'s. Every call is checked first: InvalidCall or PayloadTooLarge names the slot,
        and nothing was written. Times are in seconds, by Redis's clock:

        - `deadline` of the whole batch, from now: what has not ended then is `TimedOut("batch")`.
          Inside a job it is at most what is left to that job.
        - `queue_timeout`: a job that nobody starts in time is `TimedOut("queue")`; a call's own
          wins.
        - `tolerate`: how many jobs may fail (be Failed, TimedOut or Lost), as a number or as a
          share: 0 is fail fast, 3 three failures, 0.05 five per cent. One more, and the workers
          cancel the rest, by "policy".
        - `lease`: a time after which the rest is cancelled, by "producer lost", unless this
          producer is still alive and open.

        The same `batch_id` submitted again continues where it was and adds nothing that is there
        already, under the terms of the first time. Raises BatchConflict, naming the first
        difference, if the id holds other jobs.
        """
        calls = list(calls)
        check_timeout(timeout)
        check_timeout(queue_timeout, "queue_timeout")
        terms = Terms(
            tolerated(tolerate, len(calls)),
            batch_deadline(deadline),
            check_timeout(lease, "lease"),
            submit.shortest_wait(calls, queue_timeout),
        )
        named = batch_id is not None
        batch_id = secrets.token_hex(8) if batch_id is None else check_batch_id(batch_id)
        jobs = submit.encode_all(calls, batch_id, timeout, queue_timeout)
        stopped = await self._write(batch_id, calls, jobs, terms, named)
        if lease is not None:
            self._leases.hold(batch_id, lease)
        if stopped:
            await self._retrying(lambda: self._store.sweep(batch_id, force=True))
        decoders = [call.decode for call in calls] if any(c.function for c in calls) else None
        return Batch(self._store, batch_id, len(jobs), self._retrying, decoders)

    async def _write(
        self,
        batch_id: str,
        calls: list[Call[T]],
        jobs: list[bytes],
        terms: Terms,
        named: bool,
    ) -> bool:
        """Write all runs; return whether the batch is cancelled already."""
        stopped = False
        for first, run in submit.runs(jobs):
            digests = submit.digests(run) if named else b""
            there = await self._retrying(
                lambda first=first, run=run, digests=digests: self._store.submit(  # type: ignore[misc]
                    batch_id, len(jobs), self._keep, first, run, terms=terms, digests=digests
                )
            )
            if there.size < 0:
                raise BatchNotFound(
                    f"batch {batch_id} has gone from Redis while it was submitted: deleted, "
                    "expired, or flushed",
                    batch_id=batch_id,
                )
            if there.size != len(jobs) or there.differs >= 0:
                raise await self._conflict(batch_id, calls, there)
            stopped = there.stopped
        return stopped

    async def _conflict(
        self, batch_id: str, calls: list[Call[T]], there: Submitted
    ) -> BatchConflict:
        if there.size != len(calls):
            what, slot = f"with {there.size} jobs and not {len(calls)}", None
        else:
            slot = there.differs
            ours = calls[slot].name
            name = await self._retrying(lambda: self._store.name_of(batch_id, slot))
            if name in (ours, None):
                what = f"and slot {slot} is {ours}(...) with other arguments"
            else:
                what = f"and slot {slot} is {name}(...), not {ours}(...)"
        return BatchConflict(
            f"batch {batch_id} is there already, {what}; choose another batch_id",
            batch_id=batch_id,
            slot=slot,
        )

    async def batch(self, batch_id: str) -> Batch[Any]:
        """Attach to a batch by its id, from any process; raises BatchNotFound."""
        counts = await self._retrying(lambda: self._store.counts(check_batch_id(batch_id)))
        if counts is None:
            raise BatchNotFound(
                f"no batch {batch_id} in Redis: never submitted there, or expired",
                batch_id=batch_id,
            )
        return Batch(self._store, batch_id, counts.size, self._retrying)

    # The overloads are those of asyncio.gather (typeshed), for calls instead of awaitables.
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        c1: Call[T1],
        /,
        *,
        timeout: float | None = None,
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
        return_exceptions: Literal[False] = False,
    ) -> tuple[T1, T2, T3, T4, T5]: ...
    @overload
    async def gather(  # type: ignore[overload-overlap]
        self,
        *calls: Call[T],
        timeout: float | None = None,
        return_exceptions: Literal[False] = False,
    ) -> list[T]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        /,
        *,
        timeout: float | None = None,
        return_exceptions: bool,
    ) -> tuple[T1 | E_]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        c2: Call[T2],
        /,
        *,
        timeout: float | None = None,
        return_exceptions: bool,
    ) -> tuple[T1 | E_, T2 | E_]: ...
    @overload
    async def gather(
        self,
        c1: Call[T1],
        c2: Call[T2],
        c3: Call[T3],
        /,
        *,
        timeout: float | None = None,
        return_exceptions: bool,
    ) -> tuple[T1 | E_, T2 | E_, T3 | E_]: ...
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
        return_exceptions: bool,
    ) -> tuple[T1 | E_, T2 | E_, T3 | E_, T4 | E_]: ...
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
        return_exceptions: bool,
    ) -> tuple[T1 | E_, T2 | E_, T3 | E_, T4 | E_, T5 | E_]: ...
    @overload
    async def gather(
        self,
        *calls: Call[T],
        timeout: float | None = None,
        return_exceptions: bool,
    ) -> list[T | E_]: ...

    async def gather(
        self, *calls: Call[Any], timeout: float | None = None, return_exceptions: bool = False
    ) -> Any:
        """Run all calls on the pool and return their values, in the order they were given.

        As `asyncio.gather`: the first error to happen is raised at once while the other jobs go
        on; with `return_exceptions=True` errors stand in the list in place of values. `timeout`
        limits each job, as `asyncio.wait_for` around each would.
        """
        batch = await self.submit(calls, timeout=timeout)
        values: list[Any] = [None] * len(calls)
        async for outcome in batch.as_completed():
            if isinstance(outcome, Succeeded):
                values[outcome.slot] = outcome.value
            elif return_exceptions:
                values[outcome.slot] = exception_of(outcome)
            else:
                outcome.unwrap()
        return values
