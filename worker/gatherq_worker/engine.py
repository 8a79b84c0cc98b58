"""The engine: claims no more than its free slots, runs, records, and lets go in good order."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from time import monotonic

from redis.asyncio import ConnectionPool, Redis

from gatherq.ending import end

from .attempt import Attempt
from .contact import Contact
from .control import Control
from .execute import past
from .handlers import Handlers
from .health import ERRORS, Health, wanted
from .heartbeat import Heartbeat
from .page import Page
from .record import Recorder
from .run import Policy, Runner
from .store import Record, Release, Store
from .watchdog import Watchdog
from .wear import Wear

logger = logging.getLogger("gatherq.worker")

#: Longest wait for a wake-up, in seconds: plain arq producers give none.
_LOOK_AGAIN = 0.5
#: Where plain arq producers are about: shortest wait, and share of the time since their last job.
_LOOK_SOON, _LOOK_SHARE = 0.02, 0.05
#: Seconds between two looks at which running jobs are to be aborted.
_ABORTS_SEEN = 0.1
#: Seconds after which an abort is forgotten; arq's jobs live a day.
_ABORTS_KEPT = 2 * 86_400.0
PLAIN_WORKER = (
    "a plain arq worker takes jobs from this queue (it has %s): what it does is neither fenced nor "
    "recovered within the lease, and it cannot complete a batch; replace it when you can"
)
#: Claims that fill all slots.
_CLAIMS = 3
#: Outcomes that may wait to be recorded, beside those of two full loads.
_BACKLOG = 256
#: How long a cancelled handler may take to end before its job is released, in seconds.
_UNWIND = 1.0


class Engine:
    """One worker's share of the queue."""

    def __init__(
        self,
        *,
        make_pool: Callable[[], ConnectionPool],
        worker: str,
        queue: str,
        handlers: Handlers,
        policy: Policy,
        concurrency: int,
        lease: float,
        page: Page | None = None,
        most_jobs: int | None = None,
        most_memory: int | None = None,
    ) -> None:
        def make_store(redis: Redis) -> Store:
            return Store(redis, worker, queue, lease, policy.read)

        self._pool = make_pool()
        self._store = make_store(Redis(connection_pool=self._pool))
        self._concurrency, self._policy = concurrency, policy
        self._unannounced = float("-inf")
        self._plain_seen = False
        self._page, self._wear = page, Wear(most_jobs, most_memory)
        self._contact = Contact(lease)
        self._health = Health()
        self._held: dict[str, int] = {}
        self._running: dict[str, tuple[Attempt, asyncio.Task[None]]] = {}
        #: Cancellations that came while a claim was under way: of what it may bring.
        self._missed: list[tuple[str, str]] = []
        self._claiming = False
        self._slot_free = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._recorder = Recorder(self._store, self._recorded, self._released)
        self._runner = Runner(handlers, policy, self._recorder, self._contact, worker, queue, page)
        self.watchdog = Watchdog(
            self._running,
            self._runner,
            self._recorder,
            self._expire,
            self._recorded,
            self._runner.close,
            page,
        )
        self._heartbeat = Heartbeat(
            make_pool,
            make_store,
            self._held,
            self._contact,
            lease,
            self._lost_soon,
            self._cancelled_soon,
            self.watchdog.run,
        )
        self._suspects: list[Attempt] = []
        self._alone = ""
        self._abandoned: set[asyncio.Task[None]] = set()
        self._control = Control(make_pool, queue, lease, self.cancel, self.cancel_batch)
        self.started = 0
        self.statuses: dict[str, int] = {}

    @property
    def running(self) -> int:
        """How many jobs are being executed."""
        return len(self._running)

    @property
    def tasks(self) -> dict[str, asyncio.Task[None]]:
        """What is being executed, by job id."""
        return {job_id: task for job_id, (_, task) in self._running.items()}

    async def run(self, *, burst: bool = False, at_most: int = -1) -> None:
        """Take and run jobs until cancelled; with `burst`, until the queue is empty."""
        self._heartbeat.start()
        if self._page:
            self._page.begin()
        recording = asyncio.create_task(self._recorder.run())
        self._control.start()
        try:
            await self._take_all(burst, at_most)
            await self._recorder.flushed()
        finally:
            await end(recording)

    async def drain(self, grace: float) -> None:
        """Let running jobs finish for `grace` seconds, then release the rest, uncharged."""
        recording = asyncio.create_task(self._recorder.run())
        if self._running:
            await asyncio.wait(self.tasks.values(), timeout=grace)
        self._policy.watch.waited(len(self._running))
        for attempt, task in list(self._running.values()):
            if not self._policy.release:
                self.cancel(attempt.job_id, "worker")
                continue
            attempt.dropped = True
            task.cancel()
            self._recorder.give_back(Release(attempt))
            self._policy.watch.released(attempt)
        for attempt in self._suspects:
            self._recorder.give_back(Release(attempt))
        if self._running:
            await asyncio.wait(self.tasks.values(), timeout=_UNWIND)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._recorder.flushed(), _UNWIND + grace)
        await end(recording)
        await self._control.stop()
        self._runner.close()
        await self._heartbeat.stop()
        await self._pool.disconnect()

    def cancel(self, job_id: str, by: str) -> bool:
        """Cancel a running job, whose outcome says `by` whom; False if it does not run here."""
        attempt, task = self._running.get(job_id, (None, None))
        if attempt is None or task is None:
            if self._claiming:
                self._missed.append((job_id, by))
            return False
        if attempt.cancelled_by or attempt.handed_over or past(attempt):
            return False
        attempt.cancelled_by = by
        attempt.overdue = monotonic() + attempt.grace
        task.cancel()
        return True

    def cancel_batch(self, batch: str, by: str) -> None:
        """Cancel all that runs of a batch."""
        for attempt, _ in list(self._running.values()):
            if attempt.batch == batch:
                self.cancel(attempt.job_id, by)
        if self._claiming:
            self._missed.append((batch, by))

    async def obey_aborts(self) -> None:
        """Cancel what arq's `Job.abort()` names, until cancelled."""
        with contextlib.suppress(*ERRORS):
            await self._store.forget_aborts(_ABORTS_KEPT)
        while wanted():
            await asyncio.sleep(_ABORTS_SEEN)
            for job_id in await self._aborted(list(self._running)):
                self.cancel(job_id, "producer")

    async def _aborted(self, job_ids: list[str]) -> set[str]:
        try:
            return await self._store.aborted(job_ids)
        except ERRORS:  # seen next time
            return set()

    @property
    def abandoned(self) -> int:
        """How many executions do not end although their time is over."""
        return len(self._abandoned) + self._runner.abandoned

    @property
    def worn_out(self) -> bool:
        """Whether this process should end, and another begin in its place."""
        return self._wear.out(self.started, self.abandoned)

    async def _take_all(self, burst: bool, at_most: int) -> None:
        me = asyncio.current_task()
        while not self.worn_out:
            if me and me.cancelling():
                raise asyncio.CancelledError  # it was swallowed on its way: see gatherq.ending
            if self._suspects or self._alone in self._running:
                await self._run_alone()
                continue
            # Outcomes on their way to Redis are held too: no more are made than can be recorded.
            # A claim takes a part of the slots, so that Redis makes the next while this one runs.
            free = min(
                self._concurrency - len(self._running),
                2 * self._concurrency + _BACKLOG - len(self._held),
                -(-self._concurrency // _CLAIMS),
            )
            free = min(free, self._wear.left(self.started))
            if at_most >= 0:
                free = min(free, at_most - self.started)
            if free <= 0:
                if burst and 0 <= at_most <= self.started and not self._running:
                    return
                self._slot_free.clear()
                await self._slot_free.wait()
                continue
            try:
                wait = await self._take(free)
                if wait and burst and not self._running and not await self._store.queued():
                    return
                if wait:
                    await self._store.wait(wait)
            except ERRORS as error:
                self._contact.broken()
                await self._health.bad("give work", error)

    async def _run_alone(self) -> None:
        """Run what took its worker down before with nothing beside it that could suffer."""
        self._slot_free.clear()
        if not self._running:
            self._alone = self._suspects[0].job_id
            self._start(self._suspects.pop(0))
        await self._slot_free.wait()

    async def _take(self, free: int) -> float:
        """Claim and start up to `free` jobs; return the seconds to wait for more, 0 for none."""
        self._claiming = True
        try:
            claim = await self._store.claim(free, self._contact.since, self._contact.last)
        finally:
            self._claiming, missed = False, self._missed
            self._missed = []
        self._health.good()
        self._contact.seen(claim.now)
        for id_ in claim.foreign:
            logger.warning("queue member %r cannot be a job; it is put into quarantine", id_)
        if claim.plain and not self._plain_seen:
            self._plain_seen = True
            logger.warning(PLAIN_WORKER, claim.plain)
        aborted: set[str] = set()
        if self._policy.abortable:
            aborted = await self._aborted([a.job_id for a in claim.attempts])
        for attempt in claim.attempts:
            if attempt.job_id in aborted:
                attempt.cancelled_by = "producer"
            if attempt.batch is None:
                self._unannounced = self._loop.time()
            self._take_in(attempt, beside=bool(self._running) or len(claim.attempts) > 1)
        for batch in claim.late:
            self._recorder.look_after(self._store.extend(batch))
        for what, by in missed:
            self.cancel(what, by)
            self.cancel_batch(what, by)
        if len(claim.attempts) == free or self._suspects:
            return 0.0
        next_in = _LOOK_AGAIN if claim.next_in is None else claim.next_in / 1000
        return max(min(next_in, self._patience()), 0.001)

    def _take_in(self, attempt: Attempt, beside: bool) -> None:
        """Start what was claimed; a suspect not beside others, in this process."""
        self._held[attempt.job_id] = attempt.number
        if attempt.suspect and beside and self._runner.can_isolate(attempt):
            attempt.isolated = True
        if attempt.suspect and not attempt.isolated:
            self._suspects.append(attempt)
        else:
            self._start(attempt)

    def _patience(self) -> float:
        """Say when to look for jobs that nobody announces: soon, where some came lately."""
        since = self._loop.time() - self._unannounced
        return min(max(since * _LOOK_SHARE, _LOOK_SOON), _LOOK_AGAIN)

    def _start(self, attempt: Attempt) -> None:
        self.started += 1
        task = self._loop.create_task(self._runner.run(attempt))
        self._running[attempt.job_id] = (attempt, task)
        task.add_done_callback(lambda task: self._ended(attempt, task))

    def _expire(self, attempts: list[Attempt]) -> None:
        """Time out what did not end within its grace, and give up its slot."""
        for attempt in attempts:
            current, task = self._running.get(attempt.job_id, (None, None))
            record = self._runner.time_out(attempt) if current is attempt else None
            if record is None or task is None:
                continue
            logger.warning("job %s (%s) does not end; abandoned", attempt.job_id, attempt.name)
            self._recorder.put(record)
            del self._running[attempt.job_id]
            self._abandoned.add(task)
            task.add_done_callback(self._abandoned.discard)
            task.cancel()
            self._slot_free.set()

    def _ended(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        current = self._running.get(attempt.job_id)
        if current and current[0] is attempt:
            del self._running[attempt.job_id]
        if attempt.given_back and self._held.get(attempt.job_id) == attempt.number:
            del self._held[attempt.job_id]  # else its lease would be renewed
        self._slot_free.set()
        if task.cancelled():
            self._runner.cut_short(attempt)
        elif error := task.exception():
            logger.error("job %s: the worker itself failed", attempt.job_id, exc_info=error)
            self._runner.cut_short(attempt, error)

    def _recorded(self, record: Record, word: str) -> None:
        attempt = record.attempt
        if self._held.get(attempt.job_id) == attempt.number:
            del self._held[attempt.job_id]
            self._slot_free.set()
        self.statuses[record.status] = self.statuses.get(record.status, 0) + 1
        if word in ("refused", "gone"):
            logger.warning(
                "job %s: outcome %s, attempt %d is not the current one",
                attempt.job_id,
                word,
                attempt.number,
            )

    def _released(self, release: Release) -> None:
        """Renew it no longer: it waits for its next attempt."""
        if self._held.get(release.attempt.job_id) == release.attempt.number:
            del self._held[release.attempt.job_id]
            self._slot_free.set()

    def _lost_soon(self, ids: list[str]) -> None:
        self._loop.call_soon_threadsafe(self._lost, ids)

    def _cancelled_soon(self, jobs: dict[str, str]) -> None:
        for job_id, by in jobs.items():
            self._loop.call_soon_threadsafe(self.cancel, job_id, by)

    def _lost(self, ids: list[str]) -> None:
        """Drop what another worker has taken over."""
        for id_ in ids:
            self._held.pop(id_, None)
            if id_ in self._running and not self._running[id_][0].handed_over:
                logger.warning("job %s: its lease is lost; the attempt is dropped", id_)
                attempt, task = self._running[id_]
                attempt.dropped = True
                task.cancel()
