"""The worker: claims jobs, runs each under its deadline, records one outcome."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gatherq.contract.current_job import CurrentJob, current_job
from gatherq.escape import install
from gatherq.extras import check_extra

if TYPE_CHECKING:
    from .arq.cron import crontab
    from .arq.settings import create_worker, run_worker
    from .arq.worker import Worker
    from .attempt import Attempt
    from .engine.events import (
        GraceOver,
        JobDied,
        JobEnded,
        JobRefused,
        JobReleased,
        JobRetried,
        JobStarted,
        LeaseLost,
        LoopBlocked,
    )
    from .engine.observers import Observer

__all__ = [
    "Attempt",
    "CurrentJob",
    "GraceOver",
    "JobDied",
    "JobEnded",
    "JobRefused",
    "JobReleased",
    "JobRetried",
    "JobStarted",
    "LeaseLost",
    "LoopBlocked",
    "Observer",
    "Worker",
    "create_worker",
    "crontab",
    "current_job",
    "run_worker",
]

_HOMES = {
    "Attempt": "attempt",
    "GraceOver": "engine.events",
    "JobDied": "engine.events",
    "JobEnded": "engine.events",
    "JobRefused": "engine.events",
    "JobReleased": "engine.events",
    "JobRetried": "engine.events",
    "JobStarted": "engine.events",
    "LeaseLost": "engine.events",
    "LoopBlocked": "engine.events",
    "Observer": "engine.observers",
    "Worker": "arq.worker",
    "create_worker": "arq.settings",
    "crontab": "arq.cron",
    "run_worker": "arq.settings",
}


if not TYPE_CHECKING:  # else a checker takes every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import the engine when it is asked for: jobs and the supervisor need none of it."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        check_extra("worker", f"{__name__}.{name}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted(__all__)


def _traceback_of(error: BaseException) -> str:
    from gatherq.contract.remote_errors.capture import describe

    return describe(error).traceback


for _logger in ("gatherq.worker", "arq.worker"):  # every module here logs to one of them
    install(_logger, _traceback_of)
