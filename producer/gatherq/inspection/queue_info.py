"""A queue as its keys tell of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatherq.contract.statistics import JobStatistics
from gatherq.store.inspection.queue_records import QueueFields

from .field_values import time
from .limits.admission import NOBODY, WaitingOutside
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
    #: Jobs that limits hold back: parked in lanes and at gates; how many are in each lane, which
    #: counts some that have ended since; and those that their batches have not let in, of the
    #: newest 200 batches. As many of these as `admissible` wait for workers alone.
    parked: int = 0
    lanes: Mapping[str, int] = field(default_factory=dict)
    outside: int = 0
    admissible: int = 0
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
    def in_lanes(self) -> int:
        """Jobs that wait for a place: a thread, a process, or a share of `concurrency=`."""
        return min(sum(self.lanes.values()), self.parked)

    @property
    def at_gates(self) -> int:
        """Jobs that wait at a gate: more workers would not help them."""
        return self.parked - self.in_lanes

    @property
    def held_back(self) -> int:
        """Jobs that limits hold back, which slots say as `waiting`."""
        return self.parked + self.outside

    @property
    def demand(self) -> int:
        """Jobs that workers are needed for now.

        They wait or run, wait for a place, or would be let in if there were more workers. None is
        needed for what is deferred, waits at a gate, or is more than its batch may have at work.
        """
        return self.claimable + self.running + self.in_lanes + self.admissible

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
    name: str,
    found: QueueFields,
    workers: Sequence[WorkerInfo],
    rate: float | None,
    outside: WaitingOutside = NOBODY,
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
        deferred=max(found.later - len(held), 0),
        next_deferred=time(min(later)) if later else None,
        parked=found.parked,
        lanes={name: count for name, count in found.lanes if count},
        outside=outside.count,
        admissible=outside.admissible,
        oldest=oldest,
        waiting=round(max(found.now - (found.first or 0), 0) / 1000, 3) if oldest else 0.0,
        quarantined=found.quarantined,
        workers=len(alive),
        places=None if None in places else sum(filter(None, places)),
        arq_jobs=by_arq,
        arq=bool(by_arq) or (found.health and not workers),
        rate=rate,
    )
