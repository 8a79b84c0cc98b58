"""Whom the death of a worker process is counted against: pure, knows nothing of Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gatherq_worker.attempt import Attempt
from gatherq_worker.ipc.execution_table import Begun, Execution
from gatherq_worker.ipc.scoreboard import Mark

#: died: of itself, by its own exit or a signal that its own code can cause. killed: by SIGKILL,
#: which the machine or a person sends. silent, late: its interpreter was held, and the supervisor
#: ended it; past the limit of a job that is known if late. stopped: it was told to end.
Cause = Literal["died", "killed", "silent", "late", "stopped"]


@dataclass(frozen=True, slots=True)
class Death:
    """A dead worker process: how it ended, what had begun in it, and whose code it ran then."""

    worker: str
    how: str
    cause: Cause
    #: `time.monotonic()` when it was seen to be dead, or was ended.
    at: float
    begun: Begun
    mark: Mark | None


def late(death: Death, held: Sequence[Attempt]) -> list[tuple[Attempt, Execution]]:
    """Return what had overstepped its limit and grace when the process was ended for that."""
    if death.cause != "late":
        return []
    limits = [(attempt, _execution(death, attempt)) for attempt in held]
    return [(attempt, known) for attempt, known in limits if known and known.late(death.at)]


def suspects(death: Death, held: Sequence[Attempt]) -> list[Attempt]:
    """Return those whose code took the process down, or can have: one alone is certain."""
    if death.cause in ("stopped", "late"):
        return []
    begun = [(a, known.where) for a in held if (known := death.begun.find(a.job_id, a.number))]
    threads = [attempt for attempt, where in begun if where == "thread"]
    if death.mark:
        marked = [attempt for attempt in held if death.mark.names(attempt)]
        # The loop may have been waiting, in the middle of a job, for a thread to let go.
        return marked + threads if death.cause == "silent" else marked
    if threads and death.cause != "killed":
        return threads
    return [attempt for attempt, where in begun if where != "process"]


def _execution(death: Death, attempt: Attempt) -> Execution | None:
    mark = death.mark
    if mark and mark.names(attempt):
        return Execution("loop", mark.deadline, mark.overdue, mark.limit, mark.which)
    return death.begun.find(attempt.job_id, attempt.number)
