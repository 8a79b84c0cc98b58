"""Which slots of a batch run now, since when, and where."""

from collections.abc import Iterable
from dataclasses import dataclass

from gatherq.inspection.worker_info import RunningJob, WorkerInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSlot:
    """A slot that a worker says it runs."""

    slot: int
    worker: str
    job: RunningJob
    #: For how many seconds, and the share of its limit; None where that is not known.
    ran: float | None = None
    share: float | None = None


def running_slots(batch: str, workers: Iterable[WorkerInfo], now: float) -> list[RunningSlot]:
    """Return the slots of a batch that run, the longest first; `now` is Redis's time (ms).

    A worker tells of its hundred oldest jobs.
    """
    found = [
        _running(int(slot), worker.name, job, now)
        for worker in workers
        for job in worker.jobs
        for of, _, slot in [job.id.rpartition(":")]
        if of == batch and slot.isascii() and slot.isdigit() and len(slot) < 10
    ]
    return sorted(found, key=lambda each: (-(each.ran or 0), each.slot))


def _running(slot: int, worker: str, job: RunningJob, now: float) -> RunningSlot:
    ran = None if job.started is None else max(now / 1000 - job.started.timestamp(), 0.0)
    share = None if ran is None or not job.limit else min(ran / job.limit, 1.0)
    return RunningSlot(slot=slot, worker=worker, job=job, ran=ran, share=share)
