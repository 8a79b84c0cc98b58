"""A worker or a job by its name, and what resembles a name that nothing has."""

from collections.abc import Sequence

from gatherq.contract.checks.near_match import names_like
from gatherq.inspection.job_info import JobInfo
from gatherq.inspection.worker_info import WorkerInfo

#: Most names in a message.
_NAMED = 5


class NoSuchName(LookupError):
    """Nothing has this name; `near` are names that resemble it, the nearest first."""

    def __init__(self, message: str, near: Sequence[str]) -> None:
        super().__init__(message)
        self.near: tuple[str, ...] = tuple(near)


def worker_named(workers: Sequence[WorkerInfo], name: str, queue: str) -> WorkerInfo:
    """Return the worker of that name, or the one whose name begins so; raises NoSuchName."""
    found = [worker for worker in workers if worker.name == name]
    found = found or [worker for worker in workers if worker.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = [worker.name for worker in found[:_NAMED]]
        raise NoSuchName(f"{len(found)} workers begin with {name}: {', '.join(names)}", names)
    raise _none("worker", name, queue, [worker.name for worker in workers])


def job_named(jobs: Sequence[JobInfo], name: str, queue: str) -> JobInfo:
    """Return the job of that name; raises NoSuchName."""
    found = {job.name: job for job in jobs}
    if name in found:
        return found[name]
    raise _none("job", name, queue, [*found])


def _none(kind: str, name: str, queue: str, names: Sequence[str]) -> NoSuchName:
    near = names_like(name, names)
    hint = f"did you mean {near[0]}?" if near else f"gatherq {kind}s lists those that there are"
    return NoSuchName(f"no {kind} {name} on {queue}; {hint}", near)
