"""Runs of a worker process: of modules of jobs, and of arq's settings."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gatherq.contract.records import job_deserializer, job_serializer
from gatherq.errors import GatherqError, RedisUnavailable
from gatherq.store.server.connection import check, connection_pool
from gatherq.store.server.errors import is_transient, refusal_of, unavailable
from gatherq.store.server.outages import OutageLog
from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.registry import Handler
from gatherq_worker.settings import WorkerCommand, WorkerSettings

from .connection import arq_pool, place_of, redis_settings
from .settings import create_worker, options_of
from .worker import Worker, arq_logger

#: Called with the worker before it runs.
Attach = Callable[[Worker], None]

#: Attempts of a job that says nothing of them.
_MAX_ATTEMPTS = 2
#: Seconds between two writes of arq's health key.
_HEALTH_CHECK_INTERVAL = 10


def arguments(settings: WorkerSettings, names: Container[str] | None = None) -> dict[str, Any]:
    """Return settings as arguments of the worker: all, or those of these names."""
    known = {
        "queue": ("queue_name", settings.queue),
        "concurrency": ("max_jobs", settings.concurrency),
        "grace": ("job_completion_wait", settings.grace),
        "burst": ("burst", settings.burst),
        "lease": ("lease", settings.lease),
        "unknown_for": ("unknown_for", settings.unknown_for),
        "replicas": ("replicas", settings.replicas),
        "statistics": ("statistics", settings.statistics),
        "max_jobs_per_child": ("most_jobs", settings.max_jobs_per_child),
        "max_memory_per_child": ("most_memory", settings.max_memory_bytes),
    }
    return dict(each for name, each in known.items() if names is None or name in names)


async def run_native(
    handlers: Sequence[Handler], settings: WorkerSettings, attach: Attach, *, speaks: bool
) -> Farewell:
    """Run a worker of these handlers until it stops; return what its end means.

    A server that is away is waited for, which one of several processes says: where `speaks`. Raises
    RedisUnavailable for one that refuses us.
    """
    redis = arq_pool(connection_pool(settings.redis_url), settings.queue)
    try:
        await _reach(redis, settings.redis_url, _outages(speaks))
    except GatherqError:
        await redis.connection_pool.disconnect()
        raise
    arq_logger.addFilter(_is_wanted)
    serializers = (None, None) if settings.arq_pickle else (job_serializer, job_deserializer)
    worker = Worker(
        handlers,
        redis_pool=redis,
        max_tries=_MAX_ATTEMPTS,
        health_check_interval=_HEALTH_CHECK_INTERVAL,
        job_serializer=serializers[0],
        job_deserializer=serializers[1],
        job_log=False,
        **arguments(settings),
    )
    worker.url, worker.own_words = settings.redis_url, True
    worker.log_every_job = settings.verbose
    attach(worker)
    return await _until_stopped(worker, worker.async_run())


def _is_wanted(record: logging.LogRecord) -> bool:
    """Tell whether a record of arq's is wanted: of its usual course, if somebody configured it."""
    return record.levelno > logging.INFO or arq_logger.level != logging.NOTSET


async def run_settings(
    settings: Any, command: WorkerCommand, attach: Attach, *, speaks: bool
) -> Farewell:
    """Run the worker of arq's settings until it stops; return what its end means.

    What the command says explicitly wins over arq's settings. Raises RedisUnavailable.
    """
    theirs, ours = options_of(settings), command.settings
    options = arguments(ours, command.explicit)
    place, url = _place(theirs), None
    if "redis_url" in command.explicit or not place:
        place = url = ours.redis_url
        options |= {"redis_settings": redis_settings(url), "redis_pool": None}
    worker = create_worker(settings, **options)
    worker.url = url
    attach(worker)
    return await _until_stopped(worker, _connect_and_run(worker, place, _outages(speaks)))


async def _until_stopped(worker: Worker, run: Awaitable[None]) -> Farewell:
    """Await a worker's run, and close the worker; return what its end means."""
    try:
        await run
    except asyncio.CancelledError:
        if worker.stopped_by is None:
            raise
    finally:
        await worker.close()
    return worker.farewell


def _outages(speaks: bool) -> OutageLog:
    """Make the log of a server that is not up yet, which all processes of a command wait for."""
    return OutageLog(logging.WARNING if speaks else logging.DEBUG)


async def _connect_and_run(worker: Worker, place: str, outages: OutageLog) -> None:
    """Run the worker; a server that is not up yet is waited for, longer than arq does."""
    while not worker.connected and worker.stopped_by is None:
        try:
            await worker.async_run()
        except (RedisError, OSError) as error:
            refusal = unavailable(error, place)
            if worker.connected or not is_transient(error):
                raise refusal from None
            await outages.note_outage(f"{refusal}; waiting for it", refusal_of(error))


def _place(options: dict[str, Any]) -> str:
    """Name the server of arq's settings; empty where they name none."""
    server = options.get("redis_settings")
    if server:
        return place_of(server)
    return "redis_pool" if options.get("redis_pool") else ""


async def _reach(redis: Redis, url: str, outages: OutageLog) -> None:
    """Wait for the server as long as it takes; raises RedisUnavailable where it refuses us."""
    while True:
        try:
            await check(redis, url)
        except RedisUnavailable as error:
            if not is_transient(error.__context__):
                raise
            reason = refusal_of(error.__context__)
            await outages.note_outage(f"{error}; waiting for it", reason)
        else:
            return outages.note_answer()
