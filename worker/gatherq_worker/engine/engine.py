"""The engine: one worker's share of the queue, from the claim to the record."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from time import monotonic

from redis.asyncio import ConnectionPool, Redis

from gatherq.aio import cancel_and_wait
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import JobStore
from gatherq.store.server.connection import database_of
from gatherq.store.server.outages import ERRORS
from gatherq.store.server.pools import sockets
from gatherq_worker.arq.aborts import Aborts
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution import forks
from gatherq_worker.execution.guarded_task import guarded, within
from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.registry import Registry

from .cancellations import CancellationListener
from .claims import Held
from .conclusion.finalizer import Finalizer
from .conclusion.recorder import Recorder
from .executions import Running
from .executor import Executor
from .fetcher import Apart, Fetcher
from .heartbeat import Heartbeat, News
from .loop_watch.watchdog import Watchdog
from .options import EngineOptions
from .recycling import RecycleLimits
from .redis_clock import RedisClock
from .unknown_jobs import UnknownJobs

logger = logging.getLogger("gatherq.worker")

#: Seconds after the grace in which jobs that are given back may clean up.
_UNWIND = 0.3
#: Ids that a line of the log names.
_NAMED = 10
#: Connections to claim, to record, and to look after batches.
_CONNECTIONS = 3


class Engine:
    """Takes jobs in, runs them, records their outcomes, and lets go in good order."""

    def __init__(
        self,
        *,
        make_pool: Callable[[], ConnectionPool],
        worker: str,
        queue: str,
        handlers: Registry,
        policy: EngineOptions,
        concurrency: int,
        lease: float,
        page: Scoreboard | None = None,
        most_jobs: int | None = None,
        most_memory: int | None = None,
    ) -> None:
        def make_store(redis: Redis) -> JobStore:
            return JobStore(redis, KeySpace(queue, database_of(redis)), worker, lease)

        def make_ours() -> ConnectionPool:
            pool = make_pool()
            self.pools.append(pool)
            return pool

        #: Whose connections no fork of this process may keep.
        self.pools: list[ConnectionPool] = []
        self._pool = make_ours()
        self._policy, self._page = policy, page
        self._loop = asyncio.get_running_loop()
        store = make_store(Redis(connection_pool=self._pool))
        contact, held = RedisClock(lease), Held(page)
        self._recorder = Recorder(store, held.recorded, held.released)
        settler = Finalizer(policy, self._recorder, contact.now, worker, queue)
        self._runner = Executor(handlers, policy, settler, contact, page)
        self.running = Running(self._runner, settler, self._recorder, held)
        self._aborts = Aborts(store, self.running) if policy.abortable else None
        self.intake = Fetcher(
            store,
            self._recorder,
            held,
            self.running,
            contact,
            RecycleLimits(most_jobs, most_memory),
            read=policy.read,
            concurrency=concurrency,
            lease=lease,
            unknown=UnknownJobs(handlers, policy.unknown_for),
            apart=Apart(self._runner.can_isolate, lambda: self._runner.room_apart),
            aborts=self._aborts,
            renew_soon=self._renew_soon,
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
        self._heartbeat = Heartbeat(
            make_ours,
            make_store,
            held.by_id,
            contact,
            lease,
            News(self._lost_soon, self._cancelled_soon, self._extend_soon),
            watchdog.run,
            watchdog.alive,
        )
        self._held, self._store = held, store
        self._control = CancellationListener(
            make_ours, queue, lease, self._concerns, self._heartbeat.renew_soon
        )

    @property
    def worn_out(self) -> bool:
        """Whether this process should end, and another begin in its place."""
        return self.intake.worn_out

    async def run(self, *, burst: bool = False, at_most: int = -1) -> None:
        """Take and run jobs until cancelled; with `burst`, until the queue is empty."""
        forks.guard(self)
        self._heartbeat.start()
        if self._page:
            self._page.set_ready()
        self._control.start()
        beside = [guarded(self._recorder.run())]
        if self._aborts:
            beside.append(guarded(self._aborts.run()))
        try:
            with contextlib.suppress(*ERRORS):  # a server that is away is waited for
                await self._store.connect(_CONNECTIONS)  # while there are descriptors
            await self.intake.run(burst=burst, at_most=at_most)
            await self._recorder.flushed()
        finally:
            for task in beside:
                await cancel_and_wait(task)

    async def drain(self, until: float, end_by: float) -> None:
        """Let running jobs finish until then, release the rest uncharged, and come to an end.

        Both times are those of the monotonic clock; by the second it ends, whatever Redis does.
        """
        recording = guarded(self._recorder.run())
        policy, grace = self._policy, max(until - monotonic(), 0.0)
        ending = self.running.drain(grace, release=policy.release, watch=policy.watch)
        try:
            await within(min(until + _UNWIND, end_by), ending)
            await within(end_by, self._recorder.flushed())
        finally:
            recording.cancel()
        self._tell_unwritten()
        await within(end_by, self._control.stop())
        self._runner.stop()
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

    def disarm(self) -> None:
        """In a fork of this process: leave the worker, its server and its supervisor alone."""
        if self._page:
            self._page.detach()
        forks.silence(self._loop)
        forks.cover(self._runner.descriptors())
        for pool in self.pools:
            forks.cover(sockets(pool))

    def _renew_soon(self) -> None:
        self._heartbeat.renew_soon()

    def _concerns(self, batch: str, jobs: frozenset[str]) -> bool:
        """Tell whether a message may be about what is held here, or claimed just now."""
        self.intake.hint()
        if not jobs.isdisjoint(self._held.by_id):
            return True
        return bool(batch) and any(a.batch == batch for a in self._held.by_id.values())

    def _lost_soon(self, attempts: list[Attempt]) -> None:
        self._loop.call_soon_threadsafe(self.running.lost, attempts)

    def _cancelled_soon(self, asked: list[tuple[Attempt, str]]) -> None:
        for attempt, by in asked:
            self._loop.call_soon_threadsafe(self.running.cancel, attempt, by)

    def _extend_soon(self, batches: set[str]) -> None:
        self._loop.call_soon_threadsafe(self._extend, batches)

    def _extend(self, batches: set[str]) -> None:
        for batch in batches:
            self._recorder.look_after(self._store.extend(batch))
