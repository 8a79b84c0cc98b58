"""`gatherq worker my.WorkerSettings`: a worker from arq's settings and our command line."""

import asyncio
from typing import Any

from arq.connections import RedisSettings
from redis.exceptions import RedisError

from gatherq.connection import unavailable
from gatherq.settings import Settings

from .arq_settings import create_worker, options_of


async def run_settings(settings: Any, url: str | None, options: dict[str, Any]) -> bool:
    """Run the worker until it stops; `url` and `options` win. Raises RedisUnavailable.

    Returns whether another process is to take its place.
    """
    theirs = options_of(settings)
    if url or not (theirs.get("redis_settings") or theirs.get("redis_pool")):
        url = url or Settings().redis_url
        options = {**options, "redis_settings": RedisSettings.from_dsn(url), "redis_pool": None}
    worker = create_worker(settings, **options)
    try:
        await worker.async_run()
    except asyncio.CancelledError:
        if worker.stopped_by is None:
            raise
    except (RedisError, OSError) as error:
        raise unavailable(error, url or _place(theirs)) from error
    finally:
        await worker.close()
    return worker.worn_out


def _place(options: dict[str, Any]) -> str:
    place = options.get("redis_settings")
    return f"redis://{place.host}:{place.port}/{place.database}" if place else "redis_pool"
