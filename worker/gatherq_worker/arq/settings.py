"""Workers from arq's settings: a class, a dict, or the path of one."""

import asyncio
import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from arq.connections import RedisSettings
from arq.constants import default_queue_name, health_check_key_suffix
from arq.worker import async_check_health

from gatherq.store.server.errors import REDIS_ERRORS, unavailable
from gatherq_worker.loading import NoModule, imported

from .connection import connect, place_of
from .worker import Worker, arq_logger

#: Names in settings that are arguments of the worker; others are ignored, as in arq.
ARGUMENTS = frozenset(inspect.signature(Worker).parameters)


def options_of(settings: Any) -> dict[str, Any]:
    """Return the worker's arguments of a settings class (or of its bases), dict or object."""
    if isinstance(settings, Mapping):
        found = dict(settings)
    elif isinstance(settings, type):
        found = {name: getattr(settings, name) for name in ARGUMENTS if hasattr(settings, name)}
    else:
        found = vars(settings)
    return {name: value for name, value in found.items() if name in ARGUMENTS}


def create_worker(settings: Any, **options: Any) -> Worker:
    """Make the worker of arq's settings; `options` win over them."""
    return Worker(**{**options_of(settings), **options})


def run_worker(settings: Any, **options: Any) -> Worker:
    """Make the worker of arq's settings, run it until it stops, and return it."""
    worker = create_worker(settings, **options)
    worker.run()
    return worker


def check_health(settings: Any, url: str | None = None, queue: str | None = None) -> int:
    """Return 0 if a worker of these settings has left its health key in Redis, else 1.

    `url` and `queue`, where they are given, win over the settings. Raises RedisUnavailable.
    """
    options = options_of(settings)
    server = options.get("redis_settings") or RedisSettings()
    key, queue = options.get("health_check_key"), queue or options.get("queue_name")
    check = _check_at(url, key, queue) if url else async_check_health(server, key, queue)
    try:
        return asyncio.run(check)
    except REDIS_ERRORS as error:
        raise unavailable(error, url or place_of(server)) from None


async def _check_at(url: str, key: str | None, queue: str | None) -> int:
    """Do the same at a URL, which may say more than arq's settings; logs what arq logs."""
    redis = await connect(url)
    try:
        data = await redis.get(key or f"{queue or default_queue_name}{health_check_key_suffix}")
    finally:
        await redis.connection_pool.disconnect()
    if data:
        arq_logger.info("Health check successful: %s", data)
    else:
        arq_logger.warning("Health check failed: no health check sentinel value found")
    return 0 if data else 1


def find_settings(path: str) -> Any:
    """Return the settings at `my.WorkerSettings` or `my:WorkerSettings`; None if there are none.

    A path that is a module is none: it is a module of jobs. Raises what an import raises.
    """
    module, colon, name = path.partition(":")
    if not colon:
        if _module_at(path):
            return None
        module, _, name = path.rpartition(".")
    found = getattr(_module_at(module), name, None) if module else None
    return found if isinstance(found, type | Mapping) or hasattr(found, "functions") else None


def _module_at(path: str) -> ModuleType | None:
    try:
        return imported(path)
    except NoModule:
        return None
