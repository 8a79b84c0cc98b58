"""`asyncio.gather` and `wait_for`, across a pool of machines.

Jobs are functions of a module that workers import (`gatherq worker kitchen`):

    @job(timeout=10)
    async def chop(vegetable: str, seconds: float) -> str: ...

A producer submits calls of them, and gets one outcome for each, in order:

    async with Producer("redis://localhost:6379") as producer:
        texts = await producer.gather(chop.call("carrot", 3), chop.call("tomato", 5))

Every name here is imported when it is first used. `gatherq.errors` lists all errors,
`gatherq.progress` shows a bar, `gatherq.wire` is for arq's own clients.
"""

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
    from .contract.current_job import CurrentJob, current_job
    from .contract.job_definition import JobDefinition
    from .contract.jobs import Call, Job, PlainJob, call, job
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
    from .contract.scheduling.schedules import cron
    from .errors import (
        BatchConflict,
        BatchNotFound,
        GatherqError,
        InvalidArguments,
        InvalidCall,
        InvalidSelector,
        InvalidSetting,
        JobCancelled,
        JobLost,
        JobTimeout,
        MissingExtra,
        NoWorkers,
        PayloadTooLarge,
        ProducerClosed,
        ProducerElsewhere,
        RedisUnavailable,
        RemoteError,
        Retry,
    )
    from .inspection.batch_info import BatchInfo
    from .inspection.checks.finding import Finding
    from .inspection.error_group import ErrorGroup
    from .inspection.event_info import EventInfo
    from .inspection.explain.explanation import Cause, Explanation
    from .inspection.inspector import Inspector
    from .inspection.job_info import JobInfo, StatisticsPeriod
    from .inspection.progress.batch_progress import BatchProgress
    from .inspection.progress.running_slots import RunningSlot
    from .inspection.queue_info import QueueInfo
    from .inspection.report.batch_report import BatchReport
    from .inspection.slot_info import SlotInfo
    from .inspection.worker_info import WorkerInfo
    from .local_pool.pool import local
    from .store.batches import Counts

    __version__: str

__all__ = [
    "AttemptInfo",
    "Batch",
    "BatchConflict",
    "BatchInfo",
    "BatchNotFound",
    "BatchProgress",
    "BatchReport",
    "Call",
    "Cancelled",
    "Cause",
    "Counts",
    "CurrentJob",
    "ErrorGroup",
    "ErrorInfo",
    "EventInfo",
    "Explanation",
    "Failed",
    "Finding",
    "GatherqError",
    "Handle",
    "Inspector",
    "InvalidArguments",
    "InvalidCall",
    "InvalidSelector",
    "InvalidSetting",
    "Job",
    "JobCancelled",
    "JobDefinition",
    "JobInfo",
    "JobLost",
    "JobTimeout",
    "Lost",
    "MissingExtra",
    "NoWorkers",
    "Outcome",
    "PayloadTooLarge",
    "PlainJob",
    "Producer",
    "ProducerClosed",
    "ProducerElsewhere",
    "QueueInfo",
    "RedisUnavailable",
    "RemoteError",
    "Retry",
    "RunningSlot",
    "SlotInfo",
    "StatisticsPeriod",
    "Succeeded",
    "TaskGroup",
    "TimedOut",
    "WorkerInfo",
    "call",
    "cron",
    "current_job",
    "job",
    "local",
]

_HOMES = {
    "client.batch": ("Batch",),
    "client.handle": ("Handle",),
    "client.producer": ("Producer",),
    "client.task_group": ("TaskGroup",),
    "contract.current_job": ("CurrentJob", "current_job"),
    "contract.job_definition": ("JobDefinition",),
    "contract.jobs": ("Call", "Job", "PlainJob", "call", "job"),
    "contract.outcomes": (
        *("AttemptInfo", "Cancelled", "Failed", "Lost", "Outcome", "Succeeded", "TimedOut"),
    ),
    "contract.remote_errors.error_info": ("ErrorInfo",),
    "contract.scheduling.schedules": ("cron",),
    "errors": (
        *("BatchConflict", "BatchNotFound", "GatherqError", "InvalidArguments"),
        *("InvalidCall", "InvalidSelector", "InvalidSetting", "JobCancelled", "JobLost"),
        *("JobTimeout", "MissingExtra", "NoWorkers", "PayloadTooLarge", "ProducerClosed"),
        *("ProducerElsewhere", "RedisUnavailable", "RemoteError", "Retry"),
    ),
    "inspection.batch_info": ("BatchInfo",),
    "inspection.checks.finding": ("Finding",),
    "inspection.error_group": ("ErrorGroup",),
    "inspection.event_info": ("EventInfo",),
    "inspection.inspector": ("Inspector",),
    "inspection.job_info": ("JobInfo", "StatisticsPeriod"),
    "inspection.progress.batch_progress": ("BatchProgress",),
    "inspection.progress.running_slots": ("RunningSlot",),
    "inspection.queue_info": ("QueueInfo",),
    "inspection.report.batch_report": ("BatchReport",),
    "inspection.slot_info": ("SlotInfo",),
    "inspection.worker_info": ("WorkerInfo",),
    "inspection.explain.explanation": (
        "Cause",
        "Explanation",
    ),
    "local_pool.pool": ("local",),
    "store.batches": ("Counts",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
#: Modules that users reach as attributes, whatever was imported before.
_MODULES = ("errors", "wire")

#: Methods of a producer, which are asyncio's functions.
_VERBS = ("gather", "submit", "submit_one", "map", "task_group")

if not TYPE_CHECKING:  # else a checker takes every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for: a module of jobs needs no client."""
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name == "__version__":
            return import_module("importlib.metadata").version(__name__)
        if name not in _HOME_OF:
            verb = f": it is a Producer's, producer.{name}(...)" if name in _VERBS else ""
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{verb}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        return found

    def __dir__() -> list[str]:
        return sorted([*__all__, *_MODULES, "__version__"])


escape.install("gatherq")
