"""A queue as its keys tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gatherq.contract.statistics import JobStatistics
from gatherq.store.inspection.queue_records import QueueFields

from .field_values import time
from .worker_info import WorkerInfo

#: What stands in place of a token where a plain arq worker runs a job.
_ARQ = b"1"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueInfo:
    """A queue, at the time of a look; times are those of Redis's clock, in UTC."""

    name: str
    #: Jobs that wait, and whose time has come.
    claimable: int = 0
    #: Jobs that a worker holds.
    running: int = 0
    #: Jobs whose time is to come: those of a retry, too.
    deferred: int = 0
    next_deferred: datetime | None = None
    #: Since when the oldest claimable job waits, and for how many seconds.
    oldest: datetime | None = None
    waiting: float = 0.0
    #: Members that cannot be jobs, and were put aside.
    quarantined: int = 0
    #: Workers with a sign of life, and how many jobs they can run; None where one does not tell.
    workers: int = 0
    places: int | None = None
    #: Jobs that plain arq workers hold; and whether such a worker is about: it holds some, or arq's
    #: health key is there without a worker of ours.
    arq_jobs: tuple[str, ...] = ()
    arq: bool = False
    #: Jobs that ended, a second, over the last minutes; None where no statistics are kept.
    rate: float | None = None

    @property
    def demand(self) -> int:
        """Jobs that wait or run now: what workers are needed for, and none for what is deferred."""
        return self.claimable + self.running

    @property
    def drain(self) -> float | None:
        """Seconds until what is claimable has ended at that rate; None where nobody can say."""
        if not self.claimable:
            return 0.0
        return self.claimable / self.rate if self.rate else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolInfo:
    """A queue with its workers, at one look."""

    #: Redis's time.
    time: datetime
    queue: QueueInfo
    #: By name; what plain arq workers hold is that of a last one, `arq`.
    workers: Sequence[WorkerInfo]
    #: What ended in the last five minutes, and in the one that goes on.
    late: JobStatistics


def read_queue(
    name: str, found: QueueFields, workers: Sequence[WorkerInfo], rate: float | None
) -> QueueInfo:
    """Read what stands in Redis of a queue, beside its workers and the rate of late."""
    jobs = list(zip(found.coming, found.tokens, strict=True))
    held = [id_ for (id_, _), token in jobs if token is not None]
    later = [at for (_, at), token in jobs if token is None]
    by_arq = tuple(id_ for (id_, _), token in jobs if token == _ARQ)
    alive = [worker for worker in workers if worker.alive]
    places = [worker.capacity for worker in alive]
    oldest = time(found.first)
    return QueueInfo(
        name=name,
        claimable=found.due,
        running=len(held),
        deferred=found.later - len(held),
        next_deferred=time(later[0]) if later else None,
        oldest=oldest,
        waiting=round(max(found.now - (found.first or 0), 0) / 1000, 3) if oldest else 0.0,
        quarantined=found.quarantined,
        workers=len(alive),
        places=None if None in places else sum(filter(None, places)),
        arq_jobs=by_arq,
        arq=bool(by_arq) or (found.health and not workers),
        rate=rate,
    )
