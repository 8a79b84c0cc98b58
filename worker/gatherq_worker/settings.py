"""Settings of one worker process, from the command line and from `GATHERQ_<FIELD>`."""

from dataclasses import dataclass

from pydantic import Field

from gatherq.settings import Settings

#: Bytes of a MiB.
_MIB = 1024 * 1024


class WorkerSettings(Settings):
    """What holds for all jobs of one worker process; `gatherq worker --help` says what each is.

    Bounds and defaults are those of the command line, which checks them before it starts anything.
    """

    concurrency: int = Field(default=100, ge=1, le=10_000)
    #: Worker processes beside each other, under one supervisor; 0: this process, without one.
    processes: int = Field(default=1, ge=0, le=256)
    #: Seconds that a claim holds without renewal.
    lease: float = Field(default=5.0, ge=0.5, le=600)
    #: Seconds for which a job of a name that is unknown here is left to other workers.
    unknown_for: float = Field(default=30.0, ge=0, le=86_400)
    #: Seconds that running jobs may take to finish once the worker is told to stop.
    grace: float = Field(default=10.0, ge=0, le=86_400)
    #: Jobs, and MiB of memory, after which a process is replaced; None for never.
    max_jobs_per_child: int | None = Field(default=None, ge=1)
    max_memory_per_child: int | None = Field(default=None, ge=1)
    #: Seconds between two writes of the statistics of jobs; 0 for none.
    statistics: float = Field(default=10.0, ge=0, le=600)
    #: Whether to stop when the queue is empty.
    burst: bool = False
    #: Whether pickled jobs are read: whoever can write to Redis runs code here.
    arq_pickle: bool = False
    #: Path of a list of observers of the user's, `module.name`.
    observers: str | None = None
    #: Whether every job is logged.
    verbose: bool = False

    @property
    def max_memory_bytes(self) -> int | None:
        """Bytes of memory after which a process is replaced; None for never."""
        return self.max_memory_per_child and self.max_memory_per_child * _MIB


@dataclass(frozen=True)
class WorkerCommand:
    """What `gatherq worker` was asked for: modules of jobs, or arq's settings, and how to run them.

    `explicit` names the settings that the command line or a variable of the worker gave: they win
    over those of arq's settings, which win over defaults.
    """

    modules: tuple[str, ...]
    settings: WorkerSettings
    explicit: frozenset[str] = frozenset()
