"""`Inspector`: reads what there is, for people and their programs."""

import difflib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import ParamSpec, Self, TypeVar

from gatherq.client.misuse.async_with import AsyncWith
from gatherq.contract.keys import KeySpace
from gatherq.errors import BatchNotFound, InvalidSelector
from gatherq.escape import escape
from gatherq.settings import Settings
from gatherq.store.inspection.batch_records import BatchRecords
from gatherq.store.inspection.slot_records import SlotRecords
from gatherq.store.server import connection
from gatherq.store.server.retry import RedisRetry
from gatherq.store.server.urls import masked

from .batch_info import BatchInfo, read_batch
from .checks.finding import Finding
from .event_info import EventInfo
from .explain import rules
from .explain.explanation import Explanation
from .explain.facts import ServerFacts
from .field_values import whole
from .filters import Filter, read_batch_filters, read_event_filters
from .job_info import JobInfo, StatisticsPeriod, jobs_of
from .queue_info import QueueInfo
from .reading.checking import Checking
from .reading.events import EventReading
from .reading.explaining import ExplanationReading
from .reading.queues import QueueReading
from .reading.statistics import StatisticsReading
from .selector import Selector, read_selector
from .slot_info import SlotInfo, read_slot
from .worker_info import WorkerInfo

P = ParamSpec("P")
R = TypeVar("R")
#: Slots and batches that are read in one round trip.
_PAGE = 500
#: Most names in a message.
_NAMED = 5


class Inspector(AsyncWith):
    """Reads batches, slots, workers and queues; it changes nothing, and needs no right to.

        async with Inspector("redis://localhost:6379") as inspector:
            for found in await inspector.batches("state:failed"):
                async for slot in inspector.slots(found.id, "status:failed"):
                    print(slot.call, slot.error_line)

    What is not given is read from `GATHERQ_REDIS_URL` and `GATHERQ_QUEUE`. While Redis is away it
    goes on trying for `patience` seconds; then, or if Redis refuses a command, it raises
    RedisUnavailable.
    """

    def __init__(
        self, redis_url: str | None = None, *, queue: str | None = None, patience: float = 0.0
    ) -> None:
        settings = Settings.read(redis_url=redis_url, queue=queue, patience=patience)
        self._url = settings.redis_url
        self._pool = connection.connection_pool(self._url)
        self._redis = connection.client(self._pool)
        self._keys = KeySpace(settings.queue, connection.database_of(self._redis))
        self._retry = RedisRetry(self._url, settings.patience)
        self._batches = BatchRecords(self._redis, self._keys)
        self._slots = SlotRecords(self._redis, self._keys)
        self._events = EventReading(self._redis, self._keys, self._retry)
        self._statistics = StatisticsReading(self._redis, self._keys, self._retry)
        self._queues = QueueReading(self._redis, self._retry)
        self._explaining = ExplanationReading(self._redis, self._retry)

    def __repr__(self) -> str:
        return f"<Inspector {self.url} queue={self.queue!r}>"

    async def __aenter__(self) -> Self:
        """Open no connection yet: the first look does."""
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await connection.disconnect(self._redis)

    @property
    def url(self) -> str:
        """URL of the server, its password masked."""
        return masked(self._url)

    @property
    def queue(self) -> str:
        """Name of the queue."""
        return self._keys.queue

    async def batches(self, *filters: str, limit: int | None = None) -> list[BatchInfo]:
        """Return the batches of the queue, the newest first, at most `limit` of them.

        `filters` are those of docs/inspect.md: `state:failed`, `label:nightly*`, `-kind:gather`.
        Small batches that nobody named are not listed. Raises InvalidSelector.
        """
        tests = read_batch_filters(filters)
        found: list[BatchInfo] = []
        async for batch in self._listed(tests):
            found.append(batch)
            if limit is not None and len(found) >= limit:
                break
        return found

    async def batch(self, reference: str) -> BatchInfo:
        """Return a batch by its id, by the beginning of it, or by `@`: the newest, `@2`: the next.

        Raises BatchNotFound, and InvalidSelector where more than one begins like that.
        """
        selector = read_selector(reference)
        if selector.batch.startswith("@"):
            return await self._newest(selector.batch)
        (fields,) = await self._ask(self._batches.read, [selector.batch])
        batch = fields and read_batch(selector.batch, fields)
        return batch or await self._by_prefix(selector.batch)

    async def slots(self, target: str | Selector, *filters: str) -> AsyncIterator[SlotInfo]:
        """Yield slots in order: `inspector.slots("nightly:0-99", "status:failed", "took:>2s")`.

        Reads some hundred slots at a time, however many there are. Raises InvalidSelector and
        BatchNotFound.
        """
        selector = target if isinstance(target, Selector) else read_selector(target, filters)
        batch = await self.batch(selector.batch)
        for page in _pages(self._chosen(batch, selector)):
            records = await self._ask(self._slots.read, batch.id, page)
            now = await self.now()
            for record in records:
                slot = read_slot(self._keys, batch.id, record, now)
                if all(each.matches(slot) for each in selector.filters):
                    yield slot

    async def workers(self) -> list[WorkerInfo]:
        """Return the workers of the queue by name: those that live, and those just gone silent.

        Plain arq workers tell nothing of themselves: if there are any, the jobs that they hold are
        those of one worker `arq`.
        """
        _, workers, _ = await self._queues.look(self._keys)
        return workers

    async def queue_info(self) -> QueueInfo:
        """Return what waits in the queue, what runs, and what is still to come."""
        queue, *_ = await self._queues.look(self._keys)
        return queue

    async def queues(self) -> list[QueueInfo]:
        """Return every queue with workers, or with batches in its list, by name.

        Looks at the names of all keys of the database: of a million in about a second.
        """
        names = await self._queues.names(self._keys)
        spaces = [KeySpace(name, self._keys.database) for name in names]
        return [(await self._queues.look(keys))[0] for keys in spaces]

    async def jobs(self) -> list[JobInfo]:
        """Return the jobs that live workers know, or that were counted in 30 days, by name."""
        return [*jobs_of(await self.workers(), await self._statistics.totals())]

    async def statistics(self, since: float = 3600.0) -> list[StatisticsPeriod]:
        """Return what ended in each minute of the last `since` seconds, the oldest first.

        Of more than two hours, what ended in each hour. Workers count for ten seconds before they
        write it.
        """
        return await self._statistics.periods(since, await self.now())

    async def events(
        self, *filters: str, since: float | None = None, after: str = "", follow: bool = False
    ) -> AsyncIterator[EventInfo]:
        """Yield what happened on the queue, the oldest first: of the last `since` seconds, or all.

        Redis keeps the newest 10,000, for a week. `after` is the id of an event, to go on behind
        it. With `follow` it waits for more, without end. Filters look at `event`, `batch`, `worker`
        and `by`. Raises InvalidSelector.
        """
        tests = read_event_filters(filters)
        if not after:
            start = 0 if since is None else await self.now() - since * 1000
            after = f"{max(int(start), 0)}-0"
        async for event in self._events.read(tests, after, follow=follow):
            yield event

    async def check(self, *, scan: bool = False) -> list[Finding]:
        """Return what is well and what is wrong with the server, the queue and its workers.

        With `scan` it looks at all keys, for those that never expire. What this user may not ask is
        a finding of its own. It writes nothing but to the server's cache of scripts.
        """
        checking = Checking(self._redis, self._keys, self._retry)
        found = await checking.server(self._url)
        found += await checking.pool(self.batches(limit=_PAGE))
        return found + (await checking.expiry() if scan else [])

    async def explain(self, target: str) -> Explanation:
        """Say why a batch, or some of its slots, have no outcome yet: `explain("nightly:7")`.

        Each cause has a code of docs/inspect.md, its evidence, and a command that helps. A batch
        that is not there is an answer too, not an error. Raises InvalidSelector.
        """
        selector = read_selector(target)
        server = await self._explaining.server()
        if server.loading:
            return rules.loading(target)
        try:
            batch = await self.batch(selector.batch)
        except BatchNotFound as error:
            return await self._not_found(target, selector.batch, error, server)
        chosen = self._chosen(batch, selector)
        keys = KeySpace(batch.queue or self.queue, self._keys.database)
        only = None if selector.slots is None else [*chosen]
        facts = await self._explaining.facts(batch, keys, only, server)
        shown = batch.id + target[len(selector.batch) :]
        return rules.explain(shown, facts) if facts.total else rules.finished(shown, batch)

    async def _not_found(
        self, target: str, id_: str, error: BatchNotFound, server: ServerFacts
    ) -> Explanation:
        (fields,) = await self._ask(self._batches.read, [id_])
        size = whole((fields or {}).get("deleting"))
        return rules.gone(target, str(error), server) if size is None else rules.deleting(id_, size)

    async def now(self) -> float:
        """Return Redis's time, in ms since 1970."""
        seconds, micros = await self._ask(self._redis.time)
        return int(seconds) * 1000 + int(micros) / 1000

    async def _ask(self, method: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._retry(method, *args, **kwargs)

    def _chosen(self, batch: BatchInfo, selector: Selector) -> Iterable[int]:
        """Return the slots that are meant, before any filter; raises InvalidSelector."""
        if selector.slots is None:
            return range(batch.size)
        if selector.slots.last >= batch.size:
            has = f"slots 0 to {batch.size - 1}" if batch.size else "no slots"
            raise InvalidSelector(f"batch {batch.id} has {has}, not {selector.slots.last}")
        return selector.slots.within(batch.size)

    async def _listed(self, tests: Sequence[Filter] = ()) -> AsyncIterator[BatchInfo]:
        first = 0
        while ids := await self._ask(self._batches.ids, first, _PAGE):
            fields = await self._ask(self._batches.read, ids)
            for id_, each in zip(ids, fields, strict=True):
                batch = each and read_batch(id_, each)
                if batch and all(test.matches(batch) for test in tests):
                    yield batch
            first += _PAGE

    async def _newest(self, reference: str) -> BatchInfo:
        place, seen = int(reference[1:] or 1), 0
        async for batch in self._listed():
            seen += 1
            if seen == place:
                return batch
        listed = f"only {seen} of them are listed" if seen else "no batch is listed"
        raise BatchNotFound(
            f"there is no batch {reference}: on queue {self.queue} {listed}", batch_id=reference
        )

    async def _by_prefix(self, prefix: str) -> BatchInfo:
        ids = await self._ask(self._batches.ids)
        begin = [id_ for id_ in ids if id_.startswith(prefix)]
        fields = await self._ask(self._batches.read, begin[:_PAGE])
        found = [read_batch(id_, each) for id_, each in zip(begin, fields, strict=False) if each]
        batches = [batch for batch in found if batch]
        if len(batches) == 1:
            return batches[0]
        if batches:
            names = _shown([batch.id for batch in batches])
            raise InvalidSelector(f"{len(batches)} batches begin with {prefix}: {names}")
        near = difflib.get_close_matches(prefix, ids, n=3)
        hint = f"; did you mean {_shown(near)}?" if near else ""
        raise BatchNotFound(
            f"no batch {prefix} in Redis: never submitted there, deleted, or expired{hint}",
            batch_id=prefix,
        )


def _shown(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return escape(", ".join(ids[:_NAMED]) + more)


def _pages(slots: Iterable[int]) -> Iterable[list[int]]:
    page: list[int] = []
    for slot in slots:
        page.append(slot)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
