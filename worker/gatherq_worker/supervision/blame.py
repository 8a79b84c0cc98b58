"""Which attempts the death of a worker process is charged to: pure, without Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc.execution_table import Execution, ExecutionSnapshot, Where
from gatherq_worker.ipc.scoreboard import RunningJob

#: died: by its own exit, or a signal that its own code can cause. killed: by SIGKILL, which the
#: kernel or a person sends. silent, late: ended by the supervisor, since its interpreter was held;
#: late if that was past the limit of a known job. stopped: told to end.
Cause = Literal["died", "killed", "silent", "late", "stopped"]


@dataclass(frozen=True, slots=True)
class Death:
    """The death of a worker process, and what it ran at that moment."""

    worker: str
    #: Text for the history of the jobs that it is charged to.
    how: str
    cause: Cause
    #: `time.monotonic()` when the process was ended, or was seen to be dead.
    at: float
    executions: ExecutionSnapshot
    running_job: RunningJob | None


def overdue(death: Death, held: Sequence[Attempt]) -> list[tuple[Attempt, Execution]]:
    """Return the attempts past their limit and grace, if the process was ended for that."""
    if death.cause != "late":
        return []
    known = [(attempt, _execution(death, attempt)) for attempt in held]
    return [(attempt, found) for attempt, found in known if found and found.late(death.at)]


def suspects(death: Death, held: Sequence[Attempt]) -> list[Attempt]:
    """Return the attempts whose code caused the death, or can have: one alone is certain."""
    if death.cause in ("stopped", "late"):
        return []
    places = _places(death, held)
    threads = [attempt for attempt, where in places if where == "thread"]
    if death.running_job:
        running = [attempt for attempt in held if death.running_job.is_of(attempt)]
        # The loop may have waited, in the middle of a job, for a thread to release the interpreter.
        return running + threads if death.cause == "silent" else running
    return threads or [attempt for attempt, where in places if where != "process"]


def from_outside(death: Death, held: Sequence[Attempt]) -> bool:
    """Tell whether the process was killed while no code of a job ran that can be why."""
    ran = death.running_job or any(where == "thread" for _, where in _places(death, held))
    return death.cause == "killed" and not ran


def _places(death: Death, held: Sequence[Attempt]) -> list[tuple[Attempt, Where]]:
    """Return the attempts that had begun, with where."""
    return [
        (attempt, execution.where)
        for attempt in held
        if (execution := death.executions.find(attempt.job_id, attempt.number))
    ]


def _execution(death: Death, attempt: Attempt) -> Execution | None:
    job = death.running_job
    if job and job.is_of(attempt):
        return Execution("loop", job.deadline, job.overdue, job.limit, job.which)
    return death.executions.find(attempt.job_id, attempt.number)
