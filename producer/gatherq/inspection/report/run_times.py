"""How long the jobs of each name ran and waited."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isnan, nan

from .columns import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """Of one job: ms of its last attempts, nan where none has ended."""

    job: str
    slots: int
    p50: float
    p95: float
    p99: float
    longest: float
    #: 95th percentile of the ms from being queued to the first attempt.
    wait: float
    #: Attempts beyond the first.
    retries: int


def run_times_of(columns: Columns, first_starts: Sequence[float]) -> list[RunTimes]:
    """Return the run times of each job, that with the most slots first."""
    slots: list[array[int]] = [array("i") for _ in columns.jobs]
    for slot, job in enumerate(columns.job):
        slots[job].append(slot)
    found = [
        _of_job(columns, job, own, first_starts)
        for job, own in zip(columns.jobs, slots, strict=True)
    ]
    return sorted(found, key=lambda each: -each.slots)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent do not exceed; nan of none. Sorted values."""
    return values[max(ceil(len(values) * percent / 100), 1) - 1] if values else nan


def _of_job(
    columns: Columns, job: str, slots: Sequence[int], first_starts: Sequence[float]
) -> RunTimes:
    ran = sorted(_differences(columns.start, columns.end, slots))
    waited = sorted(_differences(columns.wait, first_starts, slots))
    return RunTimes(
        job=job,
        slots=len(slots),
        p50=percentile(ran, 50),
        p95=percentile(ran, 95),
        p99=percentile(ran, 99),
        longest=percentile(ran, 100),
        wait=percentile(waited, 95),
        retries=sum(max(columns.attempts[slot] - 1, 0) for slot in slots),
    )


def _differences(
    begins: Sequence[float], ends: Sequence[float], slots: Sequence[int]
) -> Iterator[float]:
    for slot in slots:
        took = ends[slot] - begins[slot]
        if not isnan(took):
            yield max(took, 0.0)
