"""Samples of the metrics: what a snapshot says, under the names of the table."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, get_args

from gatherq.contract.statistics import BOUNDS, STATUSES, UNKNOWN, JobStatistics
from gatherq.escape import escape
from gatherq.inspection.job_info import JobInfo
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo, WorkerState, WorkerToldState

from .snapshot import QueueSnapshot, ServerInfo, Snapshot

#: Most jobs of a queue that have series of their own; workers count as many names.
MOST_JOBS = 500
#: Most characters of a label.
_LONGEST = 200
_BOUNDS = (*(str(bound) for bound in BOUNDS), "+Inf")
_STATES: tuple[WorkerState, ...] = (*get_args(WorkerToldState), "silent")
_NOTHING = JobStatistics()


class Distribution(NamedTuple):
    """A histogram: how many took at most so many seconds, by bound; and all their seconds."""

    buckets: Sequence[tuple[str, float]]
    sum: float


class Sample(NamedTuple):
    """A value of the metric of that name, with a text for each of its labels in order."""

    name: str
    labels: tuple[str, ...]
    value: float | Distribution


def samples_of(found: Snapshot | None, version: str) -> Iterator[Sample]:
    """Yield what a snapshot says, no series twice; None is a server that does not answer.

    `version` is that of gatherq here. What is not known has no sample.
    """
    yield _sample("gatherq_info", 1, version)
    yield _sample("gatherq_redis_up", int(found is not None))
    if found is not None:
        yield from _unique(_of_snapshot(found))


def _of_snapshot(found: Snapshot) -> Iterator[Sample]:
    yield from _of_server(found.server)
    for each in found.queues:
        yield from queue_samples(each)


def queue_samples(found: QueueSnapshot) -> Iterator[Sample]:
    """Yield what is said of one queue, its jobs and its workers."""
    queue = found.queue.name
    yield from _of_queue(found.queue)
    for job, counted in _by_job(found.jobs).items():
        yield from _of_job(queue, job, counted)
    states = [worker.state for worker in found.workers]
    for state in _STATES:
        yield _sample("gatherq_workers", states.count(state), queue, state)
    yield _sample("gatherq_workers", int(found.queue.arq), queue, "arq")
    for worker in found.workers:
        if worker.state in get_args(WorkerToldState):  # what others last said is old
            yield from worker_samples(queue, worker)


def worker_samples(queue: str, worker: WorkerInfo) -> Iterator[Sample]:
    """Yield what a worker that lives tells of itself."""
    told: dict[str, float | None] = {
        "places": worker.capacity,
        "running_jobs": worker.running,
        "claimed_jobs": worker.held,
        "outcomes_total": worker.done,
        "outcomes_refused_total": worker.refused,
        "unrecorded_outcomes": worker.unrecorded,
        "loop_lag_seconds": worker.lag,
        "memory_bytes": worker.memory,
        "abandoned_threads": worker.abandoned,
        "redis_errors_total": worker.redis_errors,
    }
    what = (worker.host, worker.version, worker.python)
    yield _sample("gatherq_worker_info", 1, queue, worker.name, *what)
    for name, value in told.items():
        if value is not None:
            yield _sample(f"gatherq_worker_{name}", value, queue, worker.name)


def _of_server(server: ServerInfo) -> Iterator[Sample]:
    yield _sample("gatherq_redis_info", 1, server.version, server.eviction_policy)
    told = {
        "memory_bytes": server.memory,
        "memory_limit_bytes": server.memory_limit,
        "evicted_keys_total": server.evicted,
    }
    for name, value in told.items():
        if value is not None:
            yield _sample(f"gatherq_redis_{name}", value)


def _of_queue(queue: QueueInfo) -> Iterator[Sample]:
    for state in ("claimable", "running", "deferred"):
        yield _sample("gatherq_queue_jobs", getattr(queue, state), queue.name, state)
    yield _sample("gatherq_queue_jobs", queue.held_back, queue.name, "waiting")
    yield _sample("gatherq_queue_demand", queue.demand, queue.name)
    yield _sample("gatherq_queue_oldest_seconds", queue.waiting, queue.name)
    yield _sample("gatherq_quarantined_jobs", queue.quarantined, queue.name)


def _of_job(queue: str, job: str, counted: JobStatistics) -> Iterator[Sample]:
    for status in STATUSES:
        count = getattr(counted, status)
        yield _sample("gatherq_jobs_finished_total", count, queue, job, status)
    yield _sample("gatherq_jobs_retried_total", counted.retried, queue, job)
    run = _distribution(counted.run, counted.run_ms)
    wait = _distribution(counted.wait, counted.wait_ms)
    yield _sample("gatherq_job_run_seconds", run, queue, job)
    yield _sample("gatherq_job_wait_seconds", wait, queue, job)


def _by_job(jobs: Iterable[JobInfo]) -> dict[str, JobStatistics]:
    """Return what was counted by name, of those that were counted first; others are `<unknown>`."""
    found: dict[str, JobStatistics] = {}
    for job in sorted(jobs, key=lambda job: job.statistics == _NOTHING):
        name = _label(job.name)
        if name not in found and len(found) >= MOST_JOBS:
            name = UNKNOWN
        found[name] = found.get(name, _NOTHING) + job.statistics
    return found


def _distribution(counts: Sequence[int], milliseconds: int) -> Distribution:
    return Distribution([*zip(_BOUNDS, accumulate(counts), strict=True)], milliseconds / 1000)


def _unique(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Leave out what would be a second value of a series: two names may be escaped to one."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for each in samples:
        series = each.name, each.labels
        if series not in seen:
            seen.add(series)
            yield each


def _sample(name: str, value: float | Distribution, *labels: str) -> Sample:
    return Sample(name, tuple(map(_label, labels)), value)


def _label(text: str) -> str:
    return escape(text)[:_LONGEST]
