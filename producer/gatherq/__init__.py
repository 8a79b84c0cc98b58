"""`asyncio.gather` and `wait_for`, across a pool of machines."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import escape

if TYPE_CHECKING:
    from . import errors as errors
    from . import wire as wire
    from .client.batch import Batch
    from .client.handle import Handle
    from .client.producer import Producer
    from .client.task_group import TaskGroup
    from .contract.jobs import Call, Job, call, job
    from .contract.outcomes import (
        AttemptInfo,
        Cancelled,
        Failed,
        Lost,
        Outcome,
        Succeeded,
        TimedOut,
    )
    from .contract.remote_errors.error_info import ErrorInfo
    from .errors import GatherqError, RemoteError, Retry

__all__ = [
    "AttemptInfo",
    "Batch",
    "Call",
    "Cancelled",
    "ErrorInfo",
    "Failed",
    "GatherqError",
    "Handle",
    "Job",
    "Lost",
    "Outcome",
    "Producer",
    "RemoteError",
    "Retry",
    "Succeeded",
    "TaskGroup",
    "TimedOut",
    "call",
    "job",
]

_HOMES = {
    "client.batch": ("Batch",),
    "client.handle": ("Handle",),
    "client.producer": ("Producer",),
    "client.task_group": ("TaskGroup",),
    "contract.jobs": ("Call", "Job", "call", "job"),
    "contract.outcomes": (
        *("AttemptInfo", "Cancelled", "Failed", "Lost", "Outcome", "Succeeded", "TimedOut"),
    ),
    "contract.remote_errors.error_info": ("ErrorInfo",),
    "errors": ("GatherqError", "RemoteError", "Retry"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
#: Modules that users reach as attributes, whatever was imported before.
_MODULES = ("errors", "wire")

if not TYPE_CHECKING:  # else a checker takes every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for: a module of jobs needs no client."""
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        return found

    def __dir__() -> list[str]:
        return sorted([*__all__, *_MODULES])


escape.install("gatherq")
