"""`asyncio.gather` and `wait_for`, across a pool of machines."""

from .batch import Batch
from .calls import Call, Job, call, job
from .errors import GatherqError, RemoteError
from .outcomes import Cancelled, Failed, Lost, Outcome, Succeeded, TimedOut
from .producer import Producer
from .remote import ErrorInfo

__all__ = [
    "Batch",
    "Call",
    "Cancelled",
    "ErrorInfo",
    "Failed",
    "GatherqError",
    "Job",
    "Lost",
    "Outcome",
    "Producer",
    "RemoteError",
    "Succeeded",
    "TimedOut",
    "call",
    "job",
]
