"""The jobs of a queue by name, and what was counted of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from gatherq.contract.statistics import JobStatistics

from .worker_info import WorkerInfo

#: What statistics are counted by.
Period: TypeAlias = Literal["minute", "hour"]
_NOTHING = JobStatistics()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """Jobs of one name."""

    name: str
    #: Workers that know it, among those that tell.
    workers: tuple[str, ...] = ()
    #: How many of the jobs that workers tell of run now.
    running: int = 0
    #: What was counted of it; of nothing where no statistics are kept.
    statistics: JobStatistics = _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsPeriod:
    """What was counted in a minute, or in an hour."""

    start: datetime
    #: Its length: 60 or 3600.
    seconds: int
    jobs: Mapping[str, JobStatistics] = field(default_factory=dict)

    @property
    def statistics(self) -> JobStatistics:
        """What was counted of all jobs."""
        return total(self.jobs.values())


def jobs_of(
    workers: Sequence[WorkerInfo], totals: Mapping[str, JobStatistics]
) -> Iterable[JobInfo]:
    """Yield the jobs that live workers know, run, or have counted, by name."""
    alive = [worker for worker in workers if worker.alive]
    running = [job.name for worker in alive for job in worker.jobs if job.name]
    known = {name for worker in alive for name in worker.handlers or ()}
    for name in sorted({*known, *running, *totals}):
        yield JobInfo(
            name=name,
            workers=tuple(worker.name for worker in alive if name in (worker.handlers or ())),
            running=running.count(name),
            statistics=totals.get(name, _NOTHING),
        )


def rate_of(minutes: Sequence[Mapping[str, JobStatistics]], now: float) -> float | None:
    """Return how many jobs ended a second, over the last minutes, the newest of which goes on.

    Minutes before the first in which anything ended do not count. `now` is in ms. None where
    nothing was counted.
    """
    ended = [total(minute.values()).ended for minute in minutes]
    begun = next((n for n, count in enumerate(ended) if count), None)
    if begun is None:
        return None
    seconds = 60 * (len(ended) - 1 - begun) + now / 1000 % 60
    return sum(ended) / max(seconds, 1.0)


def total(statistics: Iterable[JobStatistics]) -> JobStatistics:
    """Return the sum of all."""
    return sum(statistics, _NOTHING)


def bad(statistics: JobStatistics) -> int:
    """Return how many failed, ran out of time or were lost."""
    return statistics.failed + statistics.timed_out + statistics.lost
