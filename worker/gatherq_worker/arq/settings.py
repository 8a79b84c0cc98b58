"""Workers from arq's settings: a class, a dict, or the path of one."""

import asyncio
import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from arq.worker import async_check_health

from gatherq_worker.import_path import search_here

from .worker import Worker

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


def check_health(settings: Any) -> int:
    """Return 0 if a worker of these settings has left its health key in Redis, else 1."""
    options = options_of(settings)
    arguments = ("redis_settings", "health_check_key", "queue_name")
    return asyncio.run(async_check_health(*(options.get(name) for name in arguments)))


def find_settings(path: str) -> Any:
    """Return the settings at `my.WorkerSettings` or `my:WorkerSettings`; None if there are none.

    A path that is a module is none: it is a module of jobs.
    """
    search_here()
    module, colon, name = path.partition(":")
    if not colon:
        if _is_module(path):
            return None
        module, _, name = path.rpartition(".")
    if not (module and _is_module(module)):
        return None
    found = getattr(import_module(module), name, None)
    return found if isinstance(found, type | Mapping) or hasattr(found, "functions") else None


def _is_module(path: str) -> bool:
    try:
        import_module(path)
    except ModuleNotFoundError as error:
        if error.name and (path == error.name or path.startswith(f"{error.name}.")):
            return False
        raise
    return True
