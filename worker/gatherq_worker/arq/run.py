"""`gatherq worker my.WorkerSettings`: a worker from arq's settings and our command line."""

import asyncio
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError

from gatherq.settings import Settings
from gatherq.store.server.errors import is_transient, unavailable
from gatherq.store.server.outages import OutageLog
from gatherq_worker.ipc.process_contract import Farewell

from .connection import redis_settings
from .settings import create_worker, options_of
from .worker import Worker


async def run_settings(
    settings: Any,
    url: str | None,
    options: dict[str, Any],
    prepare: Callable[[Worker], None],
) -> Farewell:
    """Run the worker until it stops; `url` and `options` win. Raises RedisUnavailable.

    `prepare` is called with the worker before it runs. Returns what its end means.
    """
    theirs = options_of(settings)
    if url or not (theirs.get("redis_settings") or theirs.get("redis_pool")):
        url = url or Settings().redis_url
        options = {**options, "redis_settings": redis_settings(url), "redis_pool": None}
    worker = create_worker(settings, **options)
    prepare(worker)
    try:
        await _run(worker, url or _place(theirs))
    except asyncio.CancelledError:
        if worker.stopped_by is None:
            raise
    finally:
        await worker.close()
    return worker.farewell


async def _run(worker: Worker, place: str) -> None:
    """Run the worker; a server that is not up yet is waited for, longer than arq does."""
    health = OutageLog()
    while not worker.connected and worker.stopped_by is None:
        try:
            await worker.async_run()
        except (RedisError, OSError) as error:
            refusal = unavailable(error, place)
            if worker.connected or not is_transient(error):
                raise refusal from error
            await health.away(f"{refusal}; waiting for it")


def _place(options: dict[str, Any]) -> str:
    place = options.get("redis_settings")
    return f"redis://{place.host}:{place.port}/{place.database}" if place else "redis_pool"
