"""The engine: claims jobs, runs each under its deadline, records one outcome."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gatherq.escape import install

from .context import CurrentJob, current_job

if TYPE_CHECKING:
    from .arq_settings import create_worker, run_worker
    from .cron import crontab
    from .worker import Worker

__all__ = ["CurrentJob", "Worker", "create_worker", "crontab", "current_job", "run_worker"]


def _shown(error: BaseException) -> str:
    return import_module(f"{__name__}.describe").describe(error).traceback  # type: ignore[no-any-return]


for _name in ("gatherq.worker", "arq.worker"):  # that is where all of this package's modules log
    install(_name, _shown)

_HOMES = {
    "Worker": "worker",
    "create_worker": "arq_settings",
    "crontab": "cron",
    "run_worker": "arq_settings",
}


def __getattr__(name: str) -> Any:
    """Import the engine when it is asked for: jobs and the supervisor need none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
