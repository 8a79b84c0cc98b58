"""Every metric that there is: what is exported, documented, drawn and watched is in this table."""

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

#: The types of Prometheus; `info` tells by its labels, and its value is 1.
MetricType: TypeAlias = Literal["counter", "gauge", "histogram", "info"]

_TOTALS = "`gatherq:totals:<queue>`"
_QUEUE = "`<queue>`"
_WORKERS = "`gatherq:workers:<queue>`, `gatherq:worker:<worker>`"
_WORKER = "`gatherq:worker:<worker>`"
_INFO = "`INFO`"


class Metric(NamedTuple):
    """One metric, under the name that its samples have."""

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str
    #: The key or command of Redis that tells it; `-` for none.
    source: str

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that stand in a query: a histogram has three."""
        if self.type != "histogram":
            return (self.name,)
        return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))


def _of_a_job(name: str, kind: MetricType, text: str, *labels: str) -> Metric:
    return Metric(f"gatherq_{name}", kind, ("queue", "job_name", *labels), text, _TOTALS)


def _of_a_queue(name: str, text: str, *labels: str, source: str = _QUEUE) -> Metric:
    return Metric(f"gatherq_{name}", "gauge", ("queue", *labels), text, source)


def _of_a_worker(name: str, text: str, kind: MetricType = "gauge", *labels: str) -> Metric:
    return Metric(f"gatherq_worker_{name}", kind, ("queue", "worker", *labels), text, _WORKER)


def _of_redis(name: str, text: str, kind: MetricType = "gauge", *labels: str) -> Metric:
    return Metric(f"gatherq_redis_{name}", kind, labels, text, _INFO)


METRICS: tuple[Metric, ...] = (
    _of_a_job("jobs_finished_total", "counter", "Outcomes that Redis has recorded.", "status"),
    _of_a_job("jobs_retried_total", "counter", "Attempts that were followed by another."),
    _of_a_job("job_run_seconds", "histogram", "How long the attempts ran that gave an outcome."),
    _of_a_job(
        "job_wait_seconds",
        "histogram",
        "How long jobs waited for their first attempt, from when they could begin; of those whose "
        "first attempt gave the outcome.",
    ),
    _of_a_queue(
        "queue_jobs",
        "Jobs in the queue: claimable (they wait, and may begin), running (a worker holds them), "
        "deferred (their time is to come, that of a retry too), waiting (limits hold them back: "
        "their batch's, a want of places, a gate).",
        "state",
    ),
    _of_a_queue(
        "queue_demand",
        "Jobs that need workers now: claimable and running, those that wait for a place, and those "
        "that their batch would let in. Scale workers by it.",
    ),
    _of_a_queue(
        "queue_oldest_seconds", "How long the oldest claimable job has waited; 0 where none does."
    ),
    _of_a_queue(
        "quarantined_jobs",
        "Members of the queue that cannot be jobs and were put aside in the last day, at most 100.",
        source="`gatherq:quarantine:<queue>`",
    ),
    _of_a_queue(
        "workers",
        "Worker processes: running, draining (they take no more jobs), blocked (a job holds their "
        "event loop), away (they have no answers from Redis), silent (no sign of life). "
        "arq is 1 where a plain arq worker is about; nobody knows how many.",
        "state",
        source=_WORKERS,
    ),
    _of_a_worker("info", "What a worker is.", "info", "host", "version", "python"),
    _of_a_worker("places", "How many jobs a worker runs at a time."),
    _of_a_worker("running_jobs", "Jobs whose code runs in a worker."),
    _of_a_worker("claimed_jobs", "Jobs that a worker holds, those that run among them."),
    _of_a_worker("outcomes_total", "Outcomes that a worker has recorded.", "counter"),
    _of_a_worker(
        "outcomes_refused_total",
        "Outcomes of a worker that Redis refused: the job was not its own any more, and may have "
        "run twice.",
        "counter",
    ),
    _of_a_worker("unrecorded_outcomes", "Outcomes of a worker that wait for Redis."),
    _of_a_worker(
        "loop_lag_seconds",
        "For how long a worker's event loop did not answer, at most, between its last two signs.",
    ),
    _of_a_worker("memory_bytes", "Memory of a worker process."),
    _of_a_worker("abandoned_threads", "Threads of a worker whose code does not end."),
    _of_a_worker("redis_errors_total", "How often Redis failed a worker.", "counter"),
    Metric(
        "gatherq_redis_up",
        "gauge",
        (),
        "1 where Redis answered all that was asked; 0 where it did not, and little else is told.",
        "-",
    ),
    _of_redis("info", "What the server is.", "info", "version", "eviction_policy"),
    _of_redis("memory_bytes", "Memory that the server uses."),
    _of_redis("memory_limit_bytes", "Memory that the server may use; 0 for no limit."),
    _of_redis(
        "evicted_keys_total",
        "Keys that the server has thrown away for want of memory, with the jobs in them.",
        "counter",
    ),
    Metric("gatherq_info", "info", ("version",), "What tells all this.", "-"),
)

#: The metrics by name.
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}


def sample_names() -> Iterator[tuple[str, Metric]]:
    """Yield every name that may stand in a query, with its metric."""
    for metric in METRICS:
        for name in metric.samples:
            yield name, metric
