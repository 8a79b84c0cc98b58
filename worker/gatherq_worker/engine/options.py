"""What holds where a job or its handler says nothing; arq's settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gatherq.contract.records import Times, Verdict
from gatherq.store.claims import Claimed
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.loop import Hook

from .observer import JobObserver

#: Makes an attempt of a claimed job; never raises.
Reader = Callable[[Claimed], Attempt]
#: Writes the result of a job whose producer reads another format than ours.
Writer = Callable[[Verdict, Attempt, Times], tuple[Verdict, bytes]]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """One worker's."""

    timeout: float | None = 300.0
    max_attempts: int = 2
    #: Seconds to keep the result of a job without a batch; None for ever.
    keep: float | None = 3600.0
    #: Asked of an exception: the delay in seconds after which to run again, or None.
    retry_delay: Callable[[BaseException], float | None] = lambda error: None
    make_ctx: Callable[[Attempt], dict[Any, Any]] = lambda attempt: {}
    #: Whether what still runs when the worker stops may be run again; else it is cancelled.
    release: bool = True
    #: Whether arq's `Job.abort()` is obeyed.
    abortable: bool = False
    #: Seconds for which a job that is not known here is left to workers that know it.
    unknown_for: float = 0.0
    read: Reader = Attempt.read
    write: Writer | None = None
    watch: JobObserver = field(default_factory=JobObserver)
    on_job_start: Hook | None = None
    on_job_end: Hook | None = None
    after_job_end: Hook | None = None
    #: Seconds that cleaning up may take after the timeout.
    grace: float = 0.5

    @property
    def hooked(self) -> bool:
        """Whether there is anything to be called around a job."""
        return bool(self.on_job_start or self.on_job_end or self.after_job_end)
