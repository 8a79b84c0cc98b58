"""arq's Worker as an adapter: its arguments, attributes, log and hooks around our engine."""

import asyncio
import contextlib
import inspect
import logging
import signal
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import arq.worker
from arq.connections import ArqRedis, create_pool

from gatherq.aio import not_cancelled
from gatherq.contract.keys import KeySpace
from gatherq.contract.values.annotations import warn_about
from gatherq.store.cron import enqueue_cron_run
from gatherq.store.server.connection import Server, database_of
from gatherq.store.server.errors import REDIS_ERRORS
from gatherq.store.server.replicas import waited_for
from gatherq.store.server.urls import masked
from gatherq.telemetry.suppression import suppressed
from gatherq_worker import stop_words
from gatherq_worker.engine.engine import Engine
from gatherq_worker.engine.observers import Observer
from gatherq_worker.execution.event_loop import run_until_done
from gatherq_worker.execution.guarded_task import GuardedTask, guarded, within
from gatherq_worker.ipc.endpoint import Endpoint, EndpointWriter
from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.ipc.worker_name import new_worker_name
from gatherq_worker.registry import Handler, Registry
from gatherq_worker.telemetry.sentry import monitor_cron_jobs

from . import cron
from .codec import ArqCodec
from .connection import connect, pool_maker, url_of
from .functions import arq_handler, own_handler, table_entry
from .options import engine_options
from .shutdown import Shutdown
from .start_line import start_line

if TYPE_CHECKING:
    from gatherq_worker.ipc.scoreboard import Scoreboard

logger = logging.getLogger("gatherq.worker")
arq_logger = logging.getLogger("arq.worker")

#: Seconds between two heartbeats: arq's health key, and the cron jobs that are due.
_BEAT = 0.5


class Worker(arq.worker.Worker):
    """Takes arq's arguments, with arq's meaning: without serializers, jobs and results are pickles.

    Further arguments: `lease`, seconds that a claim holds without renewal; `unknown_for`, seconds
    for which a batch's job that is not among the functions is left to other workers, unless
    `burst`; `job_log`, whether every job is logged as arq does; `replicas`, how many replicas of
    the server are to have an outcome before it counts as recorded; `statistics`, seconds between
    two writes of what became of jobs, 0 for none; `observers`, told of what becomes of jobs, the
    first around the others. Functions may be `@job` functions and handlers too. Batches are read
    and written as JSON, whatever the serializers.
    """

    def __init__(
        self,
        functions: Sequence[Any] = (),
        *,
        lease: float = 5.0,
        unknown_for: float = 30.0,
        job_log: bool = True,
        replicas: int = 0,
        statistics: float = 10.0,
        most_jobs: int | None = None,
        most_memory: int | None = None,
        observers: Sequence[Observer] = (),
        **options: Any,
    ) -> None:
        self._engine: Engine | None = None
        self._stock_tasks: dict[str, asyncio.Task[Any]] = {}
        self._shutdown = Shutdown()
        #: Handlers among the functions, by name: what arq's table cannot say of them.
        self._handlers: dict[str, Handler] = {}
        super().__init__([self._entry(function) for function in functions], **options)
        self.worker_id = new_worker_name()
        self.lease, self.unknown_for = lease, unknown_for
        self.job_log, self.statistics = job_log, statistics
        self.replicas, self._waited_for = replicas, waited_for(replicas, logger)
        self.most_jobs, self.most_memory = most_jobs, most_memory
        self.observers = tuple(observers)
        #: Memory shared with a supervisor, if there is one.
        self.scoreboard: Scoreboard | None = None
        #: Tells that supervisor the address of the queue.
        self.endpoint_writer: EndpointWriter | None = None
        #: URL of the server, where arq's settings, or a pool, do not say it all.
        self.url: str | None = None
        #: Whether it says what all processes of its command would say.
        self.speaks: bool = True
        #: Worker processes of the command that this worker speaks for at its start, if it does.
        self.speaks_for: int | None = None
        #: Whether it says what it does in our words, and not in arq's; and a line for each job.
        self.own_words = self.log_every_job = False
        #: What the end of the worker means for a supervisor.
        self.farewell = Farewell.STOPPED
        self._codec = ArqCodec(self.job_serializer, self.job_deserializer, str(self.queue_name))

    @property
    def own_names(self) -> frozenset[str]:
        """Names of the functions that are `@job` functions or handlers, and not arq's."""
        given = (name for name, entry in self.functions.items() if own_handler(entry.coroutine))
        return frozenset({*self._handlers, *given})

    @property
    def stopped_by(self) -> signal.Signals | None:
        """The signal that ended the worker, once one has."""
        return self._shutdown.signal

    @property
    def tasks(self) -> dict[str, asyncio.Task[Any]]:
        """Tasks of the jobs that run, by job id."""
        return self._engine.attempts.tasks if self._engine else self._stock_tasks

    @tasks.setter
    def tasks(self, tasks: dict[str, asyncio.Task[Any]]) -> None:
        self._stock_tasks = tasks

    def run(self) -> None:
        """Run until stopped, and close."""
        try:
            run_until_done(self.loop, self._main_task())
        except asyncio.CancelledError:  # by a signal
            pass
        finally:
            run_until_done(self.loop, GuardedTask(self.close(), loop=self.loop))

    async def async_run(self) -> None:
        """Run until stopped; the connections stay open."""
        await self._main_task()

    def _main_task(self) -> asyncio.Task[None]:
        task: asyncio.Task[None] = GuardedTask(self.main(), loop=self.loop)
        self.main_task = task
        self._shutdown.reset()
        return task

    async def main(self) -> None:
        """Run until stopped; replaces arq's polling loop."""
        self.main_task = asyncio.current_task()
        await self._connect()
        if self.on_startup:
            await self.on_startup(self.ctx)
        monitor_cron_jobs(self)
        handlers = Registry(self._handler(*entry) for entry in self.functions.items())
        self._tell_endpoint()
        if self.speaks:
            self._warn(handlers)
        self._engine = engine = self._make_engine(handlers)
        self._log_start(0 if self.burst else engine.schedules)
        await self._beat()
        beating = guarded(self._keep_beating())
        try:
            await engine.run(burst=self.burst, at_most=self.max_burst_jobs)
        except asyncio.CancelledError:
            self._shutdown.begin()
            raise
        finally:
            await self._drain(engine)
            beating.cancel()
            self._engine = None
            self._log_end()

    def _warn(self, handlers: Registry) -> None:
        """Log what concerns all processes of a command."""
        for handler in handlers:
            if not handler.takes_ctx:
                warn_about(handler.function)
        self._codec.warn()

    def _log_start(self, schedules: int) -> None:
        names = list(self.functions)
        arq_logger.info("Starting worker for %d functions: %s", len(names), ", ".join(names))
        logger.debug("worker %s begins", self.worker_id)
        if self.speaks_for is not None:
            url = self.url or url_of(self.pool.connection_pool)
            place = url and masked(url), str(self.queue_name)
            line = start_line(*place, self.max_jobs, self.speaks_for, names, schedules)
            logger.info(line, extra={"event": "worker.started"})

    def _log_end(self) -> None:
        counts = self.jobs_complete, self.jobs_failed
        if self.scoreboard:
            self.scoreboard.counts = counts
        elif self.own_words:
            logger.info(stop_words.stopped(*counts), extra={"event": "worker.stopped"})

    def _tell_endpoint(self) -> None:
        """Tell the supervisor, if there is one, where this worker's jobs are."""
        if self.endpoint_writer:
            url = self.url or url_of(self.pool.connection_pool)
            queue = str(self.queue_name)
            self.endpoint_writer.tell(Endpoint(url, queue, self.lease, self.replicas))

    async def run_check(
        self, retry_jobs: bool | None = None, max_burst_jobs: int | None = None
    ) -> int:
        """Run, and return how many jobs completed; raises arq's FailedJobs if any failed."""
        if retry_jobs is not None:
            self.retry_jobs = retry_jobs
        if max_burst_jobs is not None:
            self.max_burst_jobs = max_burst_jobs
        await self.async_run()
        if not self.jobs_failed:
            return self.jobs_complete
        reader = ArqRedis(self.pool.connection_pool, job_deserializer=self._deserialize)
        results = await reader.all_job_results()
        raise arq.worker.FailedJobs(self.jobs_failed, [r for r in results if not r.success])

    async def close(self) -> None:
        """Stop if need be, run `on_shutdown`, and close the pool."""
        main = self.main_task
        own = main is asyncio.current_task()  # the caller awaited `main()` in its own task
        if not self._handle_signals and not own:
            self.handle_sig(signal.SIGUSR1)
        if isinstance(main, asyncio.Task) and not own:
            if not main.done() and not main.cancelling():
                main.cancel()
            await asyncio.wait([main])
        if not self._pool:
            return
        await asyncio.gather(*self.tasks.values())
        await self._last(self._forget_health())
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
        await self._last(self.pool.aclose(close_connection_pool=True))
        self._pool = None

    async def _forget_health(self) -> None:
        with suppressed(), contextlib.suppress(*REDIS_ERRORS):  # the key expires
            await self.pool.delete(self.health_check_key)

    async def _last(self, work: Coroutine[Any, Any, Any]) -> None:
        """Await a last step that Redis is needed for, in the time that is left."""
        await within(self._shutdown.end(self._grace), work)

    def handle_sig(self, signum: signal.Signals) -> None:
        """Stop: drain within `job_completion_wait` seconds; a signal a second later: at once."""
        if self._engine is None and not self.own_words:
            self._begin_shutdown(signum)
            super().handle_sig(signum)
        else:
            self._stop(signal.Signals(signum), "ongoing to cancel")

    def handle_sig_wait_for_completion(self, signum: signal.Signals) -> None:
        """Stop; arq's name for it where `job_completion_wait` is set."""
        self.allow_pick_jobs = False
        if self._engine is None and not self.own_words:
            self._begin_shutdown(signum)
            super().handle_sig_wait_for_completion(signum)
        else:
            self._stop(signal.Signals(signum), "to be completed")

    def log_shutdown(self, what: str, running: int, fate: str) -> None:
        """Log arq's counters, and how many jobs still run, while the worker stops."""
        name = self.stopped_by.name if self.stopped_by else ""
        arq_logger.info(
            "shutdown on %s%s ◆ %d jobs complete ◆ %d failed ◆ %d retries ◆ %d %s",
            *(name, what, self.jobs_complete, self.jobs_failed, self.jobs_retried, running, fate),
        )

    async def heart_beat(self) -> None:
        """Write arq's health key, and queue the cron jobs that are due by Redis's clock."""
        await self.record_health()
        if self.cron_jobs:
            seconds, micros = await self.pool.time()
            now = datetime.fromtimestamp(seconds + micros / 1e6, tz=self.timezone)
            await self.run_cron(now, _BEAT)

    async def run_cron(self, n: datetime, delay: float, num_windows: int = 2) -> None:
        """Queue the cron jobs due within `num_windows` times `delay` seconds after `n`."""
        keys = KeySpace(str(self.queue_name), database_of(self.pool))
        keep = self.pool.expires_extra_ms
        for job in cron.due(self.cron_jobs, n, timedelta(seconds=delay * num_windows)):
            tick = cron.tick(job, self.job_serializer, round(n.timestamp() * 1000), keep)
            await enqueue_cron_run(self.pool, keys, tick, self._waited_for)

    def _begin_shutdown(self, signum: signal.Signals) -> None:
        """Begin the stop of a worker that runs nothing yet."""
        self._shutdown.begin()
        self._shutdown.signal = signal.Signals(signum)

    def _stop(self, signum: signal.Signals, fate: str) -> None:
        again = self._shutdown.began
        if not self._shutdown.request(signum, self.scoreboard):
            return
        if not self.own_words:
            self.log_shutdown("", len(self.tasks), fate)
        elif not self.scoreboard:  # whose supervisor says it for all
            running = len(self.tasks)
            words = stop_words.stopping(signum, self._grace, running)
            said = stop_words.at_once(running) if again else words
            logger.info(said, extra={"event": "worker.stopping"})
        if self.main_task:
            self.main_task.cancel()
        if self.on_stop:
            self.on_stop(signum)

    @property
    def _grace(self) -> float:
        """Seconds that running jobs may take to finish once the worker is to stop."""
        return float(self._job_completion_wait)

    @property
    def connected(self) -> bool:
        """Whether there is a pool of connections; from then on, outages are waited for."""
        return self._pool is not None

    async def _connect(self) -> None:
        if self._pool is None:
            options: dict[str, Any] = {
                "job_serializer": self.job_serializer,
                "job_deserializer": self._deserialize,
                "default_queue_name": str(self.queue_name),
                "expires_extra_ms": self.expires_extra_ms,
            }
            if self.url is None:
                self._pool = await create_pool(self.redis_settings, **options)
            else:
                self._pool = await connect(self.url, **options)
        self.ctx["redis"] = self.pool

    def _deserialize(self, payload: bytes) -> dict[str, Any]:
        return self._codec.deserialize(payload)

    async def _drain(self, engine: Engine) -> None:
        while True:
            began = self._shutdown.began
            try:
                await engine.drain(*self._shutdown.times(self._grace))
                break
            except asyncio.CancelledError:  # told to stop meanwhile, or to do it at once
                self._shutdown.begin()
                if began:
                    self._shutdown.hurry()
        if self.stopped_by is None:
            self.farewell = Farewell.RECYCLE if engine.worn_out else Farewell.FINAL

    async def _keep_beating(self) -> None:
        while not_cancelled():
            await asyncio.sleep(_BEAT)
            await self._beat()

    async def _beat(self) -> None:
        try:
            with suppressed():
                await self.heart_beat()
        except REDIS_ERRORS as error:
            logger.debug("no heart beat: %s", error)

    def _make_engine(self, handlers: Registry) -> Engine:
        server = Server(pool_maker(self.pool.connection_pool, self.lease))
        server.adopt(self.pool.connection_pool)
        queue, options = str(self.queue_name), engine_options(self, self._codec)
        return Engine(server, self.worker_id, queue, handlers, options, self.scoreboard)

    def _entry(self, function: Any) -> Any:
        """Return an entry for arq's table of functions; the handler of one of ours is kept here."""
        handler = own_handler(function)
        if handler is None:
            return function
        self._handlers[handler.name] = handler
        return table_entry(handler)

    def _handler(self, name: str, entry: Any) -> Handler:
        forever, seconds = self.keep_result_forever, self.keep_result_s
        own = self._handlers.get(name)
        return own or arq_handler(entry, keep_forever=forever, keep=seconds)


# Callers, arq's own `create_worker` among them, read the arguments off the signature.
_OURS = {
    *("lease", "unknown_for", "job_log", "replicas", "statistics", "most_jobs", "most_memory"),
    "observers",
}
_own = [p for p in inspect.signature(Worker).parameters.values() if p.name in _OURS]
_arqs = inspect.signature(arq.worker.Worker)
Worker.__signature__ = _arqs.replace(  # type: ignore[attr-defined]
    parameters=[*_arqs.parameters.values(), *_own]
)
