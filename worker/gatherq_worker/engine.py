"""The engine: one worker's share of the queue, from the claim to the record."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from redis.asyncio import ConnectionPool, Redis

from gatherq.ending import end

from .aborts import Aborts
from .contact import Contact
from .control import Control
from .guarded import guarded, within
from .handlers import Handlers
from .heartbeat import Heartbeat
from .held import Held
from .intake import Intake
from .page import Page
from .policy import Policy
from .record import Recorder
from .run import Runner
from .running import Running
from .settle import Settler
from .store import Store
from .watchdog import Watchdog
from .wear import Wear

logger = logging.getLogger("gatherq.worker")

#: Seconds after the grace in which jobs that are given back may clean up.
_UNWIND = 0.3
#: Ids that a line of the log names.
_NAMED = 10


class Engine:
    """Takes jobs in, runs them, records their outcomes, and lets go in good order."""

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
        self._policy, self._page = policy, page
        self._loop = asyncio.get_running_loop()
        store = make_store(Redis(connection_pool=self._pool))
        contact, held = Contact(lease), Held()
        self._recorder = Recorder(store, held.recorded, held.released)
        settler = Settler(policy, self._recorder, contact.now, worker, queue)
        self._runner = Runner(handlers, policy, settler, contact, page)
        self.running = Running(self._runner, settler, self._recorder, held)
        self._aborts = Aborts(store, self.running) if policy.abortable else None
        self.intake = Intake(
            store,
            self._recorder,
            held,
            self.running,
            contact,
            Wear(most_jobs, most_memory),
            concurrency=concurrency,
            can_isolate=self._runner.can_isolate,
            aborts=self._aborts,
        )
        watchdog = Watchdog(
            self.running.by_id,
            settler,
            self._recorder,
            self.running.expire,
            held.recorded,
            self._runner.close,
            page,
            lease,
        )
        #: Whether this worker takes jobs, as far as another thread can tell.
        self.alive = watchdog.alive
        self._heartbeat = Heartbeat(
            make_pool,
            make_store,
            held.by_id,
            contact,
            lease,
            self._lost_soon,
            self._cancelled_soon,
            watchdog.run,
        )
        self._control = Control(
            make_pool, queue, lease, self.running.cancel, self.running.cancel_batch
        )

    @property
    def worn_out(self) -> bool:
        """Whether this process should end, and another begin in its place."""
        return self.intake.worn_out

    async def run(self, *, burst: bool = False, at_most: int = -1) -> None:
        """Take and run jobs until cancelled; with `burst`, until the queue is empty."""
        self._heartbeat.start()
        if self._page:
            self._page.begin()
        self._control.start()
        beside = [guarded(self._recorder.run())]
        if self._aborts:
            beside.append(guarded(self._aborts.run()))
        try:
            await self.intake.run(burst=burst, at_most=at_most)
            await self._recorder.flushed()
        finally:
            for task in beside:
                await end(task)

    async def drain(self, until: float, end_by: float) -> None:
        """Let running jobs finish until then, release the rest uncharged, and come to an end.

        Both times are those of the monotonic clock; by the second it ends, whatever Redis does.
        """
        recording = guarded(self._recorder.run())
        self.intake.give_back()
        policy, grace = self._policy, max(until - monotonic(), 0.0)
        ending = self.running.drain(grace, release=policy.release, watch=policy.watch)
        try:
            await within(min(until + _UNWIND, end_by), ending)
            await within(end_by, self._recorder.flushed())
        finally:
            recording.cancel()
        self._tell_unwritten()
        await within(end_by, self._control.stop())
        self._runner.close()
        await self._heartbeat.stop(end_by - monotonic())
        await within(end_by, self._pool.disconnect())

    def _tell_unwritten(self) -> None:
        records, releases = self._recorder.waiting()
        ids = [record.attempt.job_id for record in records]
        ids += [release.attempt.job_id for release in releases]
        if ids:
            logger.error(
                "Redis did not take %d outcomes and %d releases in time; these jobs run again when "
                "their leases have run out: %s%s",
                len(records),
                len(releases),
                ", ".join(map(repr, ids[:_NAMED])),
                ", ..." if len(ids) > _NAMED else "",
            )

    def _lost_soon(self, ids: list[str]) -> None:
        self._loop.call_soon_threadsafe(self.running.lost, ids)

    def _cancelled_soon(self, jobs: dict[str, str]) -> None:
        for job_id, by in jobs.items():
            self._loop.call_soon_threadsafe(self.running.cancel, job_id, by)
