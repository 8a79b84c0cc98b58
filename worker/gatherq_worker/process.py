"""One worker process, with or without a supervisor above it."""

import asyncio
import faulthandler
import json
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gatherq.contract.records import job_deserializer, job_serializer
from gatherq.errors import GatherqError, RedisUnavailable
from gatherq.settings import Settings
from gatherq.store.server.connection import check, connection_pool, disconnect
from gatherq.store.server.errors import is_transient
from gatherq.store.server.outages import OutageLog
from gatherq_worker.ipc.process_contract import RECYCLED, VARIABLE, Farewell

from . import logging_setup, registry
from .arq.run import run_settings
from .arq.settings import check_health, find_settings
from .arq.worker import Worker, arq_pool
from .execution.event_loop import run_until_done
from .execution.guarded_task import GuardedTask
from .ipc.endpoint import EndpointWriter
from .ipc.scoreboard import Scoreboard

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("gatherq.worker")


class SupervisorLink:
    """What the supervisor gave this process; nothing where there is none."""

    def __init__(self) -> None:
        given = json.loads(os.environ.pop(VARIABLE, "{}"))
        self.worker: str | None = given.get("worker")
        self.scoreboard = Scoreboard(given["scoreboard"]) if given else None
        self._outbox = EndpointWriter(given["endpoint"]) if given else None
        self._alive: int | None = given.get("alive")

    def begin(self, grace: float) -> None:
        """Print stacks when killed, and end when the supervisor is gone."""
        faulthandler.enable()
        if self._alive is not None:
            threading.Thread(target=self._outlive, args=(grace,), daemon=True).start()

    def give(self, worker: Worker) -> None:
        """Pass on to the worker what is for it."""
        worker.worker_id, worker.scoreboard = self.worker or worker.worker_id, self.scoreboard
        hup = getattr(signal, "SIGHUP", None)
        if hup and self.scoreboard is None and signal.getsignal(hup) is signal.SIG_DFL:
            # The end of its terminal is a stop; a supervisor has that of its own.
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(hup, worker.handle_sig, signal.SIGTERM)
        worker.endpoint_writer = self._outbox

    def end(self, farewell: Farewell) -> None:
        """Tell the supervisor what the coming exit means."""
        if self.scoreboard:
            self.scoreboard.farewell = farewell

    def _outlive(self, grace: float) -> None:
        assert self._alive is not None
        os.read(self._alive, 1)  # nothing is ever written: it returns when the supervisor is gone
        logger.error("the supervisor is gone; this worker ends too")
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(grace + 1)
        os._exit(1)


def leave(post: SupervisorLink, farewell: Farewell) -> NoReturn:
    """End this process, without waiting for what does not end."""
    post.end(farewell)
    logging.shutdown()
    os._exit(RECYCLED if farewell is Farewell.RECYCLE else 0)


def serve(
    modules: tuple[str, ...],
    url: str | None,
    queue: str | None,
    *,
    concurrency: int,
    lease: float,
    unknown_for: float,
    grace: float,
    burst: bool,
    arq_pickle: bool,
    job_log: bool,
    given: dict[str, Any],
    limits: dict[str, int | None],
) -> NoReturn:
    """Run the jobs of modules in this process, and end it."""
    post = SupervisorLink()
    post.begin(grace)
    settings = Settings()
    main: Any
    try:
        theirs = find_settings(modules[0]) if len(modules) == 1 else None
        if theirs is not None:
            logging_setup.heed()
            main = run_settings(theirs, url, given, post.give)
        else:
            found = registry.load(modules)
            logging_setup.heed()
            limits_of = {"job_log": job_log, "unknown_for": unknown_for, **limits}
            url, queue = url or settings.redis_url, queue or settings.queue
            options = {**limits_of, **_formats(arq_pickle)}
            main = _run(url, queue, found, concurrency, lease, grace, burst, post, options)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        farewell = run_until_done(loop, GuardedTask(main, loop=loop))
    except GatherqError as error:
        post.end(Farewell.FINAL)
        raise click.ClickException(str(error)) from None
    except BaseException:
        post.end(Farewell.FAILED)
        raise
    leave(post, farewell)


def arqs_check(modules: tuple[str, ...], queue: str | None) -> int:
    """Make arq's health check; return the exit code."""
    try:
        theirs = find_settings(modules[0]) if len(modules) == 1 else None
    except GatherqError as error:
        raise click.ClickException(str(error)) from None
    return check_health(theirs or {"queue_name": queue or Settings().queue})


def _formats(arq_pickle: bool) -> dict[str, Any]:
    if arq_pickle:
        return {"job_serializer": None, "job_deserializer": None}
    return {"job_serializer": job_serializer, "job_deserializer": job_deserializer}


async def _run(
    url: str,
    queue: str,
    found: list[registry.Handler],
    concurrency: int,
    lease: float,
    grace: float,
    burst: bool,
    post: SupervisorLink,
    options: dict[str, Any],
) -> Farewell:
    redis = arq_pool(connection_pool(url), queue)
    try:
        await _reach(redis, url)
    except GatherqError:
        await disconnect(redis)
        raise
    worker = Worker(
        [handler.function for handler in found],
        redis_pool=redis,
        queue_name=queue,
        max_jobs=concurrency,
        lease=lease,
        max_tries=2,
        job_completion_wait=grace,
        burst=burst,
        health_check_interval=5,
        **options,
    )
    post.give(worker)
    worker.url = url
    try:
        await worker.async_run()
    except asyncio.CancelledError:
        if worker.stopped_by is None:
            raise
    finally:
        await worker.close()
    return worker.farewell


async def _reach(redis: "Redis", url: str) -> None:
    """Wait for the server as long as it takes; raises RedisUnavailable where it refuses us."""
    health = OutageLog()
    while True:
        try:
            await check(redis, url)
        except RedisUnavailable as error:
            if not is_transient(error.__cause__):
                raise
            await health.away(f"{error}; waiting for it")
        else:
            return health.good()
