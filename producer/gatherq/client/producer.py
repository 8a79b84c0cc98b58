"""`Producer`: asyncio's `gather`, across a pool of machines."""

import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload
from weakref import WeakValueDictionary

from gatherq.contract.batch_options import BatchOptions, batch_deadline, tolerated_failures
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.checks.usage import usage
from gatherq.contract.current_job import inherited_deadline
from gatherq.contract.jobs import Call, Job, PlainJob
from gatherq.contract.keys import KeySpace
from gatherq.contract.outcomes import Outcome
from gatherq.contract.validation import (
    check_batch_id,
    check_max_at_once,
    check_max_per_second,
    check_priority,
    check_timeout,
    check_window,
)
from gatherq.errors import BatchNotFound, ProducerClosed
from gatherq.settings import NoWorkersPolicy, Settings, TracePolicy
from gatherq.store.batches import BatchStore
from gatherq.store.server import connection
from gatherq.store.server.connection import address_of, database_of
from gatherq.store.server.owned_pool import owned_pool
from gatherq.store.server.replicas import waited_for
from gatherq.store.server.retry import RedisRetry, logger
from gatherq.store.server.urls import masked
from gatherq.telemetry.producer_meters import ProducerMeters
from gatherq.telemetry.producer_spans import ProducerSpans, Waiting

from .batch import Batch
from .gather import Gatherer
from .handle import Handle
from .loop_owner import LoopOwner
from .misuse.async_with import AsyncWith
from .misuse.checks import call_maker, check_call, check_items, listed
from .misuse.shapes import WITH_TIMEOUT, a_call, calls_in_a_list
from .ordered_map import calls_of, map_calls
from .session import Session
from .submission import Submission
from .submit_buffer import SubmitBuffer
from .task_group import TaskGroup

if TYPE_CHECKING:  # a public type of ours; only the store uses it
    from redis.asyncio import Redis

A = TypeVar("A")
T = TypeVar("T")


class Producer(Gatherer, AsyncWith):
    """Submits batches and collects their outcomes.

        async with Producer("redis://localhost:6379") as producer:
            texts = await producer.gather(chop.call("carrot", 3), chop.call("tomato", 5))

    What is not given is read from the environment: `GATHERQ_REDIS_URL`, `GATHERQ_QUEUE`,
    `GATHERQ_KEEP` (seconds that a batch stays in Redis after it has ended), `GATHERQ_PATIENCE`
    (seconds of going on trying while Redis is away), `GATHERQ_REPLICAS`, `GATHERQ_NO_WORKERS`,
    `GATHERQ_TRACE`. A bad value raises InvalidSetting, a bad URL RedisUnavailable.

    `replicas` says how many replicas of the server are to have what is submitted, cancelled or
    redriven before that returns. Where fewer have it within a second, that is logged once.

    `no_workers` says what happens after three seconds of waiting, if no worker is on the queue, or
    none that knows the jobs' names: "warn" (the default) logs that once, "raise" raises NoWorkers
    where something waits, "ignore" does not look.

    `trace` says how the spans of jobs belong to those of this program, where it has set up
    OpenTelemetry's SDK: "auto" (the default) makes children of what `gather`, `task_group`, `map`
    and `submit_one` submit, and links what `submit` does; "child" and "link" do the one or the
    other with all, "off" makes no spans.

    It belongs to the event loop that it is first used in; in another it raises ProducerElsewhere,
    unless the first is closed, or this process was forked: then it begins anew. Once closed, all
    of it raises ProducerClosed.
    """

    @usage(
        "Producer", "a URL, and options by name: Producer('redis://localhost:6379', queue='mail')"
    )
    def __init__(
        self,
        redis_url: str | None = None,
        *,
        queue: str | None = None,
        keep: float | None = None,
        patience: float | None = None,
        replicas: int | None = None,
        no_workers: NoWorkersPolicy | None = None,
        trace: TracePolicy | None = None,
    ) -> None:
        settings = Settings.read(
            redis_url=redis_url,
            queue=queue,
            keep=keep,
            patience=patience,
            replicas=replicas,
            no_workers=no_workers,
            trace=trace,
        )
        self._url = settings.redis_url
        self._keep, self._patience = settings.keep, settings.patience
        self._pool = owned_pool(self._url)
        self._owner = LoopOwner(self._begin)
        self._pool.check_owner = self._owner.check
        self._redis = connection.client(self._pool)
        place = (settings.queue, *address_of(self._redis))
        self._spans, self._meters = ProducerSpans(settings.trace, *place), ProducerMeters(*place)
        self._session = Session(
            BatchStore(
                self._redis,
                KeySpace(settings.queue, database_of(self._redis)),
                waited_for(settings.replicas, logger),
            ),
            RedisRetry(self._url, settings.patience),
            self._owner.check,
            settings.no_workers,
            masked(self._url),
            self._owner.closed,
        )
        self._buffer = self._shared_buffer()
        #: Buffers of single jobs that spans submit, as long as they are used.
        self._buffers: WeakValueDictionary[tuple[int, int], SubmitBuffer] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"<Producer {self.url} queue={self._session.store.keys.queue!r}>"

    async def __aenter__(self) -> Self:
        """Raise RedisUnavailable at once if the server does not answer."""
        self._owner.check()
        try:
            await connection.check(self._redis, self._url)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections, after sending the cancellations that are under way.

        Batches go on, except those with a lease.
        """
        if self._owner.here:
            await self._session.aclose()
            self._owner.close()
            await self._pool.disconnect()
            return
        with contextlib.suppress(ProducerClosed):
            self._owner.check()
        self._owner.close()

    def _begin(self) -> None:
        """Begin in a new loop or process, with no connection, task or handle of the last one."""
        self._pool.forget()
        self._session.begin()
        self._buffer = self._shared_buffer()
        self._buffers = WeakValueDictionary()

    @property
    def url(self) -> str:
        """URL of the server, its password masked."""
        return masked(self._url)

    @property
    def redis(self) -> "Redis":
        """The Redis client of this producer, for readers of arq's keys."""
        return self._redis

    @usage("submit", calls_in_a_list)
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
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        delay: float = 0.0,
        label: str | None = None,
    ) -> Batch[T]:
        """Write a batch into Redis and return its handle, without waiting for any job.

            calls = [chop.call(name, 3) for name in ("leek", "onion")]
            batch = await producer.submit(calls, timeout=10, tolerate=0)
            outcomes = await batch.outcomes()

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

        - `max_at_once`: how many of its jobs may be at work at once, on all workers together; a
          job that waits for a retry keeps its place.
        - `max_per_second`: how many may start in a second.
        - `priority`: from -9 to 9, higher first; a call's own wins. Below 0: when nothing else
          waits.
        - `delay`: no job starts before, in seconds from now; a call's own wins.

        `label`: a line of up to 200 characters that says in lists of batches what this one is.

        The same `batch_id` submitted again continues where it was and adds nothing that is there
        already, with the options of the first time. Raises BatchConflict, naming the first
        difference, if the id holds other jobs. Cancelled while it writes, it cancels what is
        written, unless you gave a `batch_id` to go on with.
        """
        self._owner.check()
        return await self._submit(
            listed(calls),
            BatchOrigin.here("submit", label),
            timeout=timeout,
            batch_id=batch_id,
            tolerate=tolerate,
            deadline=deadline,
            queue_timeout=queue_timeout,
            lease=lease,
            max_at_once=max_at_once,
            max_per_second=max_per_second,
            priority=priority,
            delay=delay,
        )

    async def _submit(
        self,
        calls: Sequence[Call[Any]],
        origin: BatchOrigin,
        waiting: Waiting | None = None,
        *,
        timeout: float | None = None,
        batch_id: str | None = None,
        tolerate: float | None = None,
        deadline: float | None = None,
        queue_timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        delay: float = 0.0,
        pace: str = "",
    ) -> Batch[Any]:
        """Write a batch that one of the verbs submits; `waiting` is the span of that verb."""
        self._owner.check()
        limits = (check_max_at_once(max_at_once), check_max_per_second(max_per_second))
        terms = (timeout, queue_timeout, priority, delay)
        submission = Submission(self._session, calls, batch_id, *terms, origin)
        submission.check_limits(*limits)
        options = BatchOptions(
            tolerated_failures(tolerate, len(submission)),
            batch_deadline(deadline),
            check_timeout(lease, "lease"),
            submission.queue_timeout,
            *limits,
            priority,
            delay,
            pace,
        )
        decoders, names = submission.decoders(), submission.names()
        batch, size = submission.batch_id, len(submission)
        span = self._spans.sending(batch, size, origin, waiting)
        with self._meters.sending(size), span as trace:
            await submission.write(options, self._keep, self._patience, trace)
        return Batch(self._session, batch, size, decoders, names, submission.life)

    @usage("batch", "the id of one batch: batch('nightly-report')")
    async def batch(self, batch_id: str) -> Batch[Any]:
        """Attach to a batch by its id, from any process; raises BatchNotFound.

            batch = await producer.batch("nightly-report")
            print(await batch.counts())

        Its values are of JSON's types, as those of jobs that were submitted by name.
        """
        self._owner.check()
        check_batch_id(batch_id)
        found = await self._session.retry(self._session.store.identity, batch_id)
        if found is None:
            raise BatchNotFound(
                f"no batch {batch_id} in Redis: never submitted there, deleted, or expired",
                batch_id=batch_id,
            )
        return Batch(self._session, batch_id, found.size, life=found.life)

    @usage("submit_one", a_call("submit_one"), timeout=WITH_TIMEOUT)
    async def submit_one(
        self, call: Call[T], *, name: str | None = None, lease: float | None = None
    ) -> Handle[T]:
        """Write one job, and return a handle to await, as `asyncio.create_task` does.

            handle = await producer.submit_one(chop.call("carrot", 3))
            text = await asyncio.wait_for(handle, 10)

        What is submitted in one turn of the loop is written together, except with a `lease`: a
        time in seconds after which the job is cancelled unless this producer is alive and open.
        `name` is the handle's. Raises InvalidCall and PayloadTooLarge. Cancelled while it writes,
        it cancels the job.
        """
        self._owner.check()
        check_call("submit_one", call)
        # A batch submitted inside a job has that job's deadline, and no call of another job.
        alone = lease is not None or inherited_deadline() is not None
        buffer = self._new_buffer("submit_one", lease=lease) if alone else self._buffer_here()
        return await buffer.wait_written(buffer.add(call, name=name))

    @usage("task_group", "options by name alone: task_group(timeout=10)")
    def task_group(
        self,
        *,
        timeout: float | None = None,
        lease: float | None = None,
        label: str | None = None,
    ) -> TaskGroup:
        """Make a group of jobs: the first failure cancels the others, as in `asyncio.TaskGroup`.

            async with producer.task_group() as group:
                carrot = group.create_task(chop.call("carrot", 3))
            print(carrot.result())

        `timeout` limits the execution of each job, in seconds. `lease`: a time in seconds after
        which what is not finished is cancelled unless this producer is alive and open. `label`: a
        line that is kept with its batches.
        """
        self._owner.check()
        check_timeout(timeout)
        waiting = self._spans.waiting("task_group")
        return TaskGroup(self._new_buffer("task_group", timeout, lease, label, waiting), waiting)

    @overload
    def map(
        self,
        job: Job[..., T],
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        window: int = 100,
        ordered: bool = True,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
    ) -> AsyncGenerator[Outcome[T], None]: ...
    @overload
    def map(
        self,
        job: PlainJob[..., T],
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        window: int = 100,
        ordered: bool = True,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
    ) -> AsyncGenerator[Outcome[T], None]: ...
    @overload
    def map(
        self,
        job: Callable[[A], Call[T]],
        items: Iterable[A] | AsyncIterable[A],
        /,
        *,
        window: int = 100,
        ordered: bool = True,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
    ) -> AsyncGenerator[Outcome[T], None]: ...
    @overload
    def map(
        self,
        job: str,
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        window: int = 100,
        ordered: bool = True,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
    ) -> AsyncGenerator[Outcome[Any], None]: ...
    @usage("map", "a job and its items: map(chop, items, window=50)")
    def map(
        self,
        job: Any,
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        window: int = 100,
        ordered: bool = True,
        timeout: float | None = None,
        lease: float | None = None,
        max_at_once: int | None = None,
        max_per_second: float | None = None,
        priority: int = 0,
        label: str | None = None,
    ) -> AsyncGenerator[Outcome[Any], None]:
        """Run a job for each item, and yield the outcomes: in order, or as completed.

            async for outcome in producer.map(lambda name: chop.call(name, 3), names, window=50):
                print(outcome.slot, outcome.unwrap())

        `job` is a job or its name, called with the item, or a function that makes a call of one:
        `lambda item: chop.call(*item)`. `items` may be lazy, asynchronous or endless: never more
        than `window` are taken and not yet yielded. An outcome's `slot` is its item's index.
        Leaving the loop cancels what is not finished: at once inside
        `async with contextlib.aclosing(producer.map(...)) as outcomes`, soon with a bare `break`.
        An error of `items` is raised after the outcomes of what came before it. `lease`: a time
        in seconds after which what is not finished is cancelled unless this producer is alive.
        `label`: a line that is kept with each of its batches. At most `max_at_once` jobs are at
        work at once, and at most `max_per_second` start in a second. `priority` is from -9 to 9,
        higher first.
        """
        self._owner.check()
        check_timeout(timeout)
        check_window(window)
        calls = calls_of(call_maker(job), items)
        check_items(items)
        waiting = self._spans.waiting("map")
        pace = {} if max_per_second is None else {"pace": secrets.token_hex(6)}
        limits = {"max_per_second": check_max_per_second(max_per_second), **pace}
        terms = {"priority": check_priority(priority), **limits}
        buffer = self._new_buffer("map", timeout, lease, label, waiting, terms)
        return map_calls(buffer, calls, window, ordered, waiting, check_max_at_once(max_at_once))

    def _new_buffer(
        self,
        kind: str,
        timeout: float | None = None,
        lease: float | None = None,
        label: str | None = None,
        waiting: Waiting | None = None,
        terms: Mapping[str, Any] = MappingProxyType({}),
    ) -> SubmitBuffer:
        """Make the buffer of a verb; one that waits has a span, and ends its jobs with it."""
        check_timeout(lease, "lease")
        origin = BatchOrigin.here(kind, label)
        return self._buffer_of(origin, waiting, timeout=timeout, lease=lease, **terms)

    def _buffer_here(self) -> SubmitBuffer:
        """Return the buffer of single jobs: one for all, and one for each span that submits some.

        So what is written together belongs to one trace.
        """
        span = self._spans.current()
        if span is None:
            return self._buffer
        buffer = self._buffers.get(span)
        if buffer is None:
            self._buffers[span] = buffer = self._shared_buffer()
        return buffer

    def _shared_buffer(self) -> SubmitBuffer:
        """Make the buffer of single jobs: calls of several jobs may meet in it."""
        return self._buffer_of(BatchOrigin.here("submit_one", shared=True))

    def _buffer_of(
        self, origin: BatchOrigin, waiting: Waiting | None = None, **options: Any
    ) -> SubmitBuffer:
        submit = partial(self._submit, origin=origin, waiting=waiting, **options)
        return SubmitBuffer(self._session, submit, structured=waiting is not None)


def tie_to_block(producer: Producer) -> None:
    """Make a producer that of a block of `gatherq.local`: its end is the block's.

    Its workers log in the same place which annotations cannot be used; it does not.
    """
    producer._owner.of_block = True
    producer._session.warns = False
