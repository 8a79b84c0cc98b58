"""Options of an engine, which hold where a job and its handler say nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from gatherq.contract.records import Times, Verdict
from gatherq.store.claims import ClaimedJob
from gatherq.store.jobs import JobStore
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.loop import Hook
from gatherq_worker.execution.result import ResultWriter

from .clock import Clock
from .job_log import JobLog
from .observers import Observer

#: Makes an attempt of a claimed job; never raises.
AttemptReader = Callable[[ClaimedJob], Attempt]
#: Writes the result of a job whose producer reads another format than ours.
OtherFormatWriter = Callable[[Verdict, Attempt, Times], tuple[Verdict, bytes]]

#: Seconds between two looks at the queue where all producers are ours, which announce their jobs.
LOOK_AGAIN = 3.0


class AbortSource(Protocol):
    """Requests to abort jobs that nobody publishes, and that therefore must be asked for."""

    async def requested(self, job_ids: Sequence[str]) -> set[str]:
        """Return those of the jobs that are to be aborted; never raises."""

    async def forget(self) -> None:
        """Remove requests that no job can be waiting for any more; never raises."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Coroutine functions that an adapter has called around each job, with its `ctx`."""

    #: Before the handler, under its deadline; what it raises is the job's.
    on_job_start: Hook | None = None
    #: After the handler, before the outcome is handed to Redis.
    on_job_end: Hook | None = None
    #: At the very end, whatever became of the job.
    after_job_end: Hook | None = None

    def __bool__(self) -> bool:
        return bool(self.on_job_start or self.on_job_end or self.after_job_end)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Settings and callbacks of one engine, which apply where a job and its handler say nothing."""

    #: Most jobs that run at a time.
    concurrency: int = 10
    #: Seconds that a claim holds without renewal.
    lease: float = 5.0
    #: Seconds that a job may run; None for no limit.
    timeout: float | None = 300.0
    #: Seconds that a job gets to end after its timeout or its cancellation.
    grace: float = 0.5
    #: Executions of a job, the first and those after a failure or the death of a worker.
    max_attempts: int = 2
    #: Seconds to keep the result of a job without a batch; None or inf for ever.
    keep: float | None = 3600.0
    #: Seconds for which a job that is not known here is left to workers that know it.
    unknown_for: float = 0.0
    #: Whether jobs that still run when the worker stops may be run again; else they are cancelled.
    release: bool = True
    #: Jobs that a process starts, and bytes of memory that it uses, before it is recycled.
    most_jobs: int | None = None
    most_memory: int | None = None
    #: Replicas that are to have an outcome before it counts as recorded.
    replicas: int = 0
    #: Seconds between two tellings of what became of jobs; 0 for none.
    statistics: float = 10.0
    #: Seconds between two looks for jobs that nobody announces, as long as none has come.
    look_again: float = LOOK_AGAIN
    clock: Clock = monotonic

    # The seams of an adapter: arq's.

    #: Asked of an exception: the delay in seconds after which to run the job again, or None.
    retry_delay: Callable[[BaseException], float | None] = lambda error: None
    #: Makes the first argument of handlers that take one, and of hooks.
    make_ctx: Callable[[Attempt], dict[Any, Any]] = lambda attempt: {}
    hooks: Hooks = Hooks()
    #: Makes the source of abort requests; None where there are none.
    aborts: Callable[[JobStore], AbortSource] | None = None
    read: AttemptReader = Attempt.read
    write: OtherFormatWriter | None = None
    #: Looks at what an execution left while the job's code may run, for an observer to show later.
    look: ResultWriter | None = None
    observers: Sequence[Observer] = (JobLog(),)
