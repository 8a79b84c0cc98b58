"""The engine: one worker's share of the queue, from a job's claim to its record."""

import asyncio
import contextlib
import logging
from time import monotonic
from typing import TYPE_CHECKING

from gatherq.aio import cancel_and_wait
from gatherq.contract.keys import KeySpace
from gatherq.contract.worker_record import WorkerRecord
from gatherq.store.cancellation_channel import CancellationChannel
from gatherq.store.cron import CronStore
from gatherq.store.jobs import JobStore
from gatherq.store.server.connection import Server, database_of, disconnect
from gatherq.store.server.errors import REDIS_ERRORS
from gatherq.store.server.replicas import waited_for
from gatherq_worker.execution import forks
from gatherq_worker.execution.guarded_task import guarded, within
from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.registry import Registry

from .attempts import Attempts
from .cancellations import AbortPoll, CancellationListener
from .conclusion.finalizer import Finalizer
from .conclusion.recorder import Recorder
from .events import GraceOver
from .executor import Executor
from .fetcher import Fetcher
from .heartbeat import Heartbeat
from .loop_watch.watchdog import Watchdog
from .observers import Observers
from .options import EngineOptions
from .places.execution_places import ExecutionPlaces
from .places.parking import Parking
from .redis_clock import RedisClock
from .scheduling.scheduler import Scheduler
from .scheduling.timetable import Timetable
from .unknown_jobs import UnknownJobs
from .worker_record.live_fields import LiveFields
from .worker_record.news import News

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("gatherq.worker")

#: Seconds after the grace in which jobs that are released or cancelled may clean up.
_CLEAN_UP = 0.3
#: Seconds in which their tasks may end, before their releases are written all the same.
_UNWIND = 1.0
#: Ids that a line of the log names.
_NAMED = 10
#: Connections to claim, to record, and to maintain batches.
_CONNECTIONS = 3


class Engine:
    """Builds the parts of one worker; fetches and executes jobs, and stops in good order."""

    def __init__(
        self,
        server: Server,
        worker: str,
        queue: str,
        registry: Registry,
        options: EngineOptions,
        scoreboard: Scoreboard | None = None,
    ) -> None:
        def make_store(redis: "Redis") -> JobStore:
            return JobStore(redis, keys, worker, options.lease, replicas)

        replicas = waited_for(options.replicas, logger)
        self._server, self._options, self._scoreboard = server, options, scoreboard
        self._loop, self._redis = asyncio.get_running_loop(), server.connect()
        keys = KeySpace(queue, database_of(self._redis))
        self._store = store = make_store(self._redis)
        clock = RedisClock(options.lease, options.clock)
        self._observers = observers = Observers(options.observers)
        self.attempts = attempts = Attempts(scoreboard, observers, options.clock)
        names = [handler.name for handler in registry]
        news = News(names, options.statistics, options.clock)
        self._recorder = recorder = Recorder(store, attempts, options.clock, news)
        self._finalizer = finalizer = Finalizer(
            options, attempts, recorder, observers, clock, worker, queue
        )
        self._places = places = ExecutionPlaces(finalizer.writer, options.clock)
        executor = Executor(registry, options, attempts, finalizer, places, clock, scoreboard)
        watchdog = Watchdog(attempts, finalizer, places, options, scoreboard, news)
        room = {"loop": options.concurrency, **places.most}
        record = WorkerRecord.of_this_process(queue, names, options.lease, room)
        self._live = live = LiveFields(attempts, recorder, places, watchdog, news)
        self._heartbeat = Heartbeat(
            *(server, make_store, attempts, recorder, clock, watchdog),
            *(options.lease, record, live, news, scoreboard),
        )
        channel = CancellationChannel(server.connect(), keys)
        self._cancellations = listener = CancellationListener(
            channel, attempts, self._heartbeat.renew_soon, 2 * options.lease
        )
        self._aborts = AbortPoll(options.aborts(store), attempts) if options.aborts else None
        timetable = Timetable(registry, queue)
        #: How many schedules its jobs have.
        self.schedules = len(timetable)
        self._scheduler = Scheduler(CronStore(self._redis, keys, replicas), timetable)
        unknown = UnknownJobs(registry, options.unknown_for, options.clock)
        parking = Parking(store, attempts, recorder, places, registry)
        self._fetcher = Fetcher(
            *(store, executor, places, recorder, clock, options, unknown, listener),
            *(parking, self._aborts),
        )
        live.outages = (recorder.outages, self._fetcher.outages, self._heartbeat.outages)

    @property
    def worn_out(self) -> bool:
        """Whether this process should end, and another begin in its place."""
        return bool(self._fetcher.worn_out)

    async def run(self, *, burst: bool = False, at_most: int = -1) -> None:
        """Fetch and execute jobs until cancelled; with `burst`, until the queue is empty."""
        forks.guard(self)
        self._heartbeat.start()
        if self._scoreboard:
            self._scoreboard.set_ready()
        self._cancellations.start()
        beside = [guarded(self._recorder.run())]
        if self._aborts:
            beside.append(guarded(self._aborts.run()))
        if not burst:
            beside.append(guarded(self._scheduler.run()))
        try:
            with contextlib.suppress(*REDIS_ERRORS):  # a server that is away is waited for
                await self._store.connect(_CONNECTIONS)  # while there are descriptors
            await self._fetcher.run(burst=burst, at_most=at_most)
            await self._recorder.flushed()
        finally:
            for task in beside:
                await cancel_and_wait(task)

    async def drain(self, until: float, end_by: float) -> None:
        """Let running jobs finish until then, release the rest uncharged, and close everything.

        Both times are those of the monotonic clock; by the second it ends, whatever Redis does.
        """
        recording = guarded(self._recorder.run())
        self._tell_end()
        try:
            await within(min(until + _CLEAN_UP, end_by), self._let_finish(until))
            await within(end_by, self._recorder.flushed())
        finally:
            recording.cancel()
        self._log_unwritten()
        await within(end_by, self._cancellations.stop())
        self._places.stop()
        await self._heartbeat.stop(end_by - monotonic())
        await within(end_by, disconnect(self._redis))

    def _tell_end(self) -> None:
        """Have the heartbeat tell that this worker takes no more jobs, and why it ends."""
        self._live.draining = True
        if self._fetcher.worn_out:
            self._heartbeat.end = ("worker_recycled", "why", self._fetcher.worn_out)
        self._heartbeat.renew_soon()

    async def _let_finish(self, until: float) -> None:
        """Wait for running jobs until then; release those that are left, or cancel them."""
        attempts = self.attempts
        if attempts.task_count:
            await asyncio.wait(attempts.tasks.values(), timeout=max(until - monotonic(), 0.0))
        self._observers.tell(GraceOver(attempts.task_count))
        for attempt in attempts.running():
            if self._options.release:
                self._finalizer.drain(attempt)
            else:
                attempts.cancel(attempt, "worker")
        if attempts.task_count:
            await asyncio.wait(attempts.tasks.values(), timeout=_UNWIND)

    def _log_unwritten(self) -> None:
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
        if self._scoreboard:
            self._scoreboard.detach()
        forks.silence(self._loop)
        forks.cover(self._places.descriptors())
        forks.cover(self._server.sockets())
