"""`asyncio.gather` and `wait_for`, across a pool of machines."""

from . import escape
from .batch import Batch
from .calls import Call, Job, call, job
from .errors import GatherqError, RemoteError, Retry
from .handle import Handle
from .outcomes import AttemptInfo, Cancelled, Failed, Lost, Outcome, Succeeded, TimedOut
from .producer import Producer
from .remote import ErrorInfo
from .task_group import TaskGroup

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

escape.install("gatherq")
