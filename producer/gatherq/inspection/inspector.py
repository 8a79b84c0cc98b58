"""`Inspector`: reads what there is, for people and their programs."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from copy import copy
from typing import Self

from gatherq.client.misuse.async_with import AsyncWith
from gatherq.contract.keys import KeySpace
from gatherq.contract.short_repr import value_repr
from gatherq.errors import BatchNotFound, InvalidSelector, RedisUnavailable
from gatherq.settings import Settings
from gatherq.store.server import connection
from gatherq.store.server.retry import RedisRetry
from gatherq.store.server.urls import masked

from .batch_info import BatchInfo, keys_of
from .checks.finding import Finding
from .error_group import ErrorGroup, add_slot, in_order
from .event_info import EventInfo
from .explain import rules
from .explain.explanation import Explanation
from .explain.facts import ServerFacts
from .field_values import time_of
from .filters import read_batch_filters, read_event_filters, read_slot_filters
from .job_info import JobInfo, Period, StatisticsPeriod, jobs_of
from .limits.gate_info import GateInfo
from .metrics.snapshot import Snapshot
from .progress.batch_progress import BatchProgress
from .progress.running_slots import RunningSlot
from .queue_info import PoolInfo, QueueInfo
from .reading.batches import BatchReading
from .reading.checking import Checking
from .reading.errors import ErrorReading
from .reading.events import EventReading
from .reading.explaining import ExplanationReading
from .reading.gates import GateReading
from .reading.progress import ProgressReading
from .reading.queues import QueueReading
from .reading.running import RunningReading
from .reading.slots import SlotReading
from .reading.snapshots import SnapshotReading
from .reading.statistics import StatisticsReading
from .redaction.redaction import EVERYTHING, Redaction
from .redaction.values import Redact
from .report.batch_report import BatchReport, collect
from .report.error_changes import ErrorChange
from .selector import Selector, read_selector
from .slot_info import SlotInfo
from .worker_info import WorkerInfo

#: Batches that `check` looks at, the newest.
_CHECKED = 500
#: Least seconds that Redis may be silent, however short the patience is.
_LEAST_SILENCE = 2.0


class Inspector(AsyncWith):
    """Reads batches, slots, workers and queues; it changes nothing, and needs no right to.

        async with Inspector("redis://localhost:6379") as inspector:
            for found in await inspector.batches("state:failed"):
                async for slot in inspector.slots(found.id, "status:failed"):
                    print(slot.call, slot.error_line)

    What is not given is read from `GATHERQ_REDIS_URL` and `GATHERQ_QUEUE`. While Redis is away it
    goes on trying for `patience` seconds; then, or if Redis refuses a command, it raises
    RedisUnavailable. A reply that takes longer than `patience`, at least 2 s and at most 10 s, is
    one that does not come.

    `redact(name, value)` returns what is shown in place of an argument, a value, a text of an error
    or a note of progress (`gatherq.inspection.redaction.values.Redact`); filters see that, too.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        queue: str | None = None,
        patience: float = 10.0,
        redact: Redact | None = None,
    ) -> None:
        settings = Settings.read(redis_url=redis_url, queue=queue, patience=patience)
        self._url = settings.redis_url
        silence = max(settings.patience, _LEAST_SILENCE)
        self._pool = connection.connection_pool(
            self._url, socket_timeout=min(silence, connection.SOCKET_TIMEOUT)
        )
        self._redis = connection.client(self._pool)
        self._retry = RedisRetry(self._url, settings.patience)
        self._redaction = Redaction(redact)
        self._queues = QueueReading(self._redis, self._retry, self._redaction)
        self._gates = GateReading(self._redis, self._retry, self._redaction)
        self._explaining = ExplanationReading(self._redis, self._retry, self._redaction)
        self._look_at(settings.queue)

    def _look_at(self, queue: str) -> None:
        self._keys = KeySpace(queue, connection.database_of(self._redis))
        parts = (self._redis, self._keys, self._retry)
        self._slots = SlotReading(*parts, self._redaction)
        self._batches = BatchReading(*parts, self._slots)
        self._errors = ErrorReading(*parts, self._slots, self._redaction)
        self._running = RunningReading(*parts, self._redaction)
        self._events = EventReading(*parts)
        self._statistics = StatisticsReading(*parts)

    def on(self, queue: str) -> "Inspector":
        """Return an Inspector of another queue, over the same connections.

        Raises InvalidSetting for a name that is none.
        """
        name = Settings.read(queue=queue).queue
        if name == self.queue:
            return self
        other = copy(self)
        other._look_at(name)
        return other

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

    async def batches(
        self, *filters: str, limit: int | None = None, since: float | None = None
    ) -> list[BatchInfo]:
        """Return the batches of the queue, the newest first, at most `limit` of them.

        With `since`, those that were submitted in the last so many seconds.

        `filters` are those of docs/inspect.md: `state:failed`, `label:nightly*`, `-kind:gather`.
        Single jobs, gathers of fewer than ten and what `map` submits are not listed. Raises
        InvalidSelector.
        """
        tests = read_batch_filters(filters)
        begin = None if since is None else max(await self.now() - since * 1000, 0)
        found: list[BatchInfo] = []
        async for batch in self._batches.listed(tests, begin):
            found.append(batch)
            if limit is not None and len(found) >= limit:
                break
        return found

    async def listed(self) -> int:
        """Return how many batches the list has; some of them may have expired."""
        return await self._batches.count()

    async def batch(self, reference: str) -> BatchInfo:
        """Return a batch by its id, by the beginning of it, or by `@`: the newest, `@2`: the next.

        A plain arq job, by its id, is a batch of one. Raises BatchNotFound, and InvalidSelector
        where more than one begins like that, or slots of one are named.
        """
        selector, batch = await self._resolve(reference)
        if selector.slots is not None:
            raise InvalidSelector(
                f"{value_repr(reference)} names slots, and this is about a whole batch: "
                f"write {batch.id}"
            )
        return batch

    async def slots(self, target: str | Selector, *filters: str) -> AsyncIterator[SlotInfo]:
        """Yield slots in order: `inspector.slots("nightly:0-99", "status:failed", "took:>2s")`.

        Reads some hundred slots at a time, and some MiB, however many there are. Raises
        InvalidSelector and BatchNotFound.
        """
        selector, batch = await self._resolve(target, filters)
        async for slot in self._slots_of(batch, selector):
            if all(each.matches(slot) for each in selector.filters):
                yield slot

    async def error_groups(self, target: str | Selector, *filters: str) -> list[ErrorGroup]:
        """Return what did not succeed by error group, the largest first.

        Of a whole batch the counts are those that its workers keep; with slots or filters, or where
        there are none, those of the slots themselves. Raises InvalidSelector and BatchNotFound.
        """
        selector, batch = await self._resolve(target, filters)
        if selector.everything and not batch.arq:
            return await self._errors.groups(batch)
        groups: dict[str, ErrorGroup] = {}
        async for slot in self.slots(selector):
            add_slot(groups, slot)
        return in_order(groups.values())

    async def error_changes(self, reference: str) -> list[ErrorChange]:
        """Return the error groups of a batch, each with how many slots had it before its redrive.

        One round trip: it reads what the workers count. There is none where they do not: for a
        plain arq job, and where gatherq was older, or may not write it. Raises InvalidSelector and
        BatchNotFound.
        """
        batch = await self.batch(reference)
        return [] if batch.arq else await self._errors.changes(batch)

    async def counted_errors(self, batches: Sequence[BatchInfo]) -> list[list[ErrorGroup]]:
        """Return the error groups of each of these batches as its workers count them.

        In one round trip: a group names one of its slots, and not when it began.
        """
        return await self._errors.counted(batches)

    async def running(self, reference: str) -> list[RunningSlot]:
        """Return what runs of a batch, the longest first, as far as its workers tell.

        Raises InvalidSelector and BatchNotFound.
        """
        return await self._running.slots(await self.batch(reference))

    async def rates(self, batches: Sequence[BatchInfo]) -> dict[str, float]:
        """Return by id how many slots of these batches end in a second, where that is known."""
        return await self._running.rates(batches)

    async def watch(self, reference: str) -> AsyncIterator[BatchProgress]:
        """Yield how far a batch is, at every change or once a second, until it has ended.

            async for progress in inspector.watch("nightly"):
                print(progress.batch.finished, progress.remaining)

        It waits for completions in Redis. While Redis is away it goes on, and `progress.away` says
        since when. Raises InvalidSelector, BatchNotFound, also when the batch is deleted, and
        RedisUnavailable for what does not pass by itself.
        """
        batch = await self.batch(reference)
        follow = ProgressReading(self._url, self._redis, self._keys, self._redaction).follow
        async for progress in follow(batch):
            yield progress

    async def report(self, reference: str, *, redact: bool = False) -> BatchReport:
        """Read a whole batch for a page or a trace, as far as it is by now.

        `redact` leaves out arguments, values and texts of errors. Takes some 50 us and some hundred
        bytes a slot. Raises InvalidSelector and BatchNotFound.
        """
        batch = await self.batch(reference)
        now = time_of(await self.now())
        running: Sequence[RunningSlot] = ()
        with suppress(RedisUnavailable):  # a user who may not read the records of workers
            running = await self._running.slots(batch)
        slots = self._slots_of(batch, Selector(batch.id))
        redact = redact or self._redaction == EVERYTHING
        return await collect(batch, slots, now, running=running, redact=redact)

    async def workers(self) -> list[WorkerInfo]:
        """Return the workers of the queue by name: those that live, and those just gone silent.

        Plain arq workers tell nothing of themselves: if there are any, the jobs that they hold are
        those of one worker `arq`.
        """
        return [*(await self.pool()).workers]

    async def queue_info(self) -> QueueInfo:
        """Return what waits in the queue, what runs, and what is still to come."""
        return (await self.pool()).queue

    async def pool(self) -> PoolInfo:
        """Return the queue with its workers, and what ended in the last minutes, by one look."""
        return await self._queues.look(self._keys)

    async def gates(self) -> list[GateInfo]:
        """Return the gates of the queue that jobs wait at, or are inside of, at most 100.

        Those at which most wait come first. None where this user may not read them.
        """
        return await self._gates.all(self._keys)

    async def queues(self, *, scan: bool = True) -> list[QueueInfo]:
        """Return every queue with workers, or with batches in its list, by name.

        Looks at the names of all keys of the database: of a million in about a second. Without
        `scan` it does not, and returns those with workers, and this one. What this user may not
        read is left out.
        """
        spaces = self._spaces(await self.queue_names(scan=scan))
        return [(await self._queues.look(keys)).queue for keys in spaces]

    async def queue_names(self, *, scan: bool = True) -> list[str]:
        """Return the names of these queues, that of this one among them; of those it may read.

        Without `scan` only those with workers: that is cheap, however many keys there are.
        """
        return await self._queues.names(self._keys, scan=scan)

    async def snapshot(self, queues: Iterable[str] = ()) -> Snapshot:
        """Return what metrics are made of: the server, and the named queues, or this one."""
        reading = SnapshotReading(self._redis, self._retry)
        return await reading.read(self._spaces([*queues] or [self.queue]))

    async def jobs(self, workers: Sequence[WorkerInfo] | None = None) -> list[JobInfo]:
        """Return the jobs that live workers know, or that were counted in 30 days, by name.

        With `workers`, those of an earlier look, it does not read them again.
        """
        found = await self.workers() if workers is None else workers
        return [*jobs_of(found, await self._statistics.totals())]

    async def statistics(
        self, since: float = 3600.0, *, by: Period | None = None
    ) -> list[StatisticsPeriod]:
        """Return what ended in each minute of the last `since` seconds, the oldest first.

        Of more than two hours, what ended in each hour, unless `by` says which. Minutes are kept
        for a day, hours for 30. Workers count for ten seconds before they write it.
        """
        return await self._statistics.periods(since, await self.now(), by)

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

    async def latest_events(
        self, *filters: str, before: str = "", limit: int = 100
    ) -> list[EventInfo]:
        """Return what happened on the queue, the newest first, at most `limit` of it.

        `before` is the id of an event, to go on with what came earlier. Raises InvalidSelector.
        """
        return await self._events.latest(read_event_filters(filters), before, limit)

    async def check(self, *, scan: bool = False) -> list[Finding]:
        """Return what is well and what is wrong with the server, the queue and its workers.

        With `scan` it looks at all keys, for those that never expire. What this user may not ask is
        a finding of its own. It writes nothing but to the server's cache of scripts.
        """
        checking = Checking(self._redis, self._keys, self._retry)
        found = await checking.server(self._url)
        found += await checking.pool(self.batches(limit=_CHECKED))
        return found + (await checking.expiry() if scan else [])

    async def explain(self, target: str) -> Explanation:
        """Say why a batch, or some of its slots, have no outcome yet: `explain("nightly:7")`.

        Each cause has a code of docs/inspect.md, its evidence, and a command that helps. A batch
        that is not there is an answer too, not an error. Raises InvalidSelector.
        """
        selector = await self._selected(target)
        server = await self._explaining.server()
        if server.loading:
            return rules.loading(target)
        try:
            batch = await self.batch(selector.batch)
        except BatchNotFound as error:
            return await self._not_found(target, selector.batch, error, server)
        chosen = self._chosen(batch, selector)
        keys = keys_of(batch, self._keys)
        only = None if selector.slots is None else [*chosen]
        facts = await self._explaining.facts(batch, keys, only, server)
        shown = batch.id + target[len(selector.batch) :]
        return rules.explain(shown, facts) if facts.total else rules.finished(shown, batch)

    async def _selected(self, target: str) -> Selector:
        """Read what is meant; the id of a plain arq job may be any text."""
        try:
            return read_selector(target)
        except InvalidSelector:
            if await self._batches.arq_job(target) is None:
                raise
            return Selector(target)

    async def _not_found(
        self, target: str, id_: str, error: BatchNotFound, server: ServerFacts
    ) -> Explanation:
        size = await self._batches.deleting(id_)
        return rules.gone(target, str(error), server) if size is None else rules.deleting(id_, size)

    async def now(self) -> float:
        """Return Redis's time, in ms since 1970."""
        return await self._running.now()

    async def _resolve(
        self, target: str | Selector, filters: Sequence[str] = ()
    ) -> tuple[Selector, BatchInfo]:
        """Return what a target means, and its batch; the id of a plain arq job may be any text."""
        if isinstance(target, Selector):
            return target, await self._batches.find(target.batch)
        try:
            selector = read_selector(target, filters)
            return selector, await self._batches.find(selector.batch)
        except (InvalidSelector, BatchNotFound):
            job = await self._batches.arq_job(target)
            if job is None:
                raise
            return Selector(target, None, read_slot_filters(filters)), job

    def _chosen(self, batch: BatchInfo, selector: Selector) -> Iterable[int]:
        """Return the slots that are meant, before any filter; raises InvalidSelector."""
        if selector.slots is None:
            return range(batch.size)
        selector.slots.check(batch.id, batch.size)
        return selector.slots.within(batch.size)

    def _spaces(self, queues: Iterable[str]) -> list[KeySpace]:
        return [KeySpace(name, self._keys.database) for name in queues]

    async def _slots_of(self, batch: BatchInfo, selector: Selector) -> AsyncIterator[SlotInfo]:
        if batch.arq:
            job = await self._slots.arq_job(batch.id)
            if job:
                yield job
            return
        async for slot in self._slots.read(batch, self._chosen(batch, selector)):
            yield slot
