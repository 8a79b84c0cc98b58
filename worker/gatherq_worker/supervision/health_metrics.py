"""The metrics of one supervisor's processes, in the text format of Prometheus.

Written here, since a worker needs nothing else of prometheus_client. Names and texts are those of
the table of metrics.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .pool_health import ProcessHealth

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class _Metric(NamedTuple):
    name: str
    help: str
    read: Callable[[ProcessHealth], float]

    @property
    def type(self) -> str:
        return "counter" if self.name.endswith("_total") else "gauge"


METRICS: tuple[_Metric, ...] = (
    _Metric("ready", "1 for a process that takes jobs, else 0.", lambda p: not p.why),
    _Metric("running_jobs", "Jobs whose code runs in a worker.", lambda p: p.status.running),
    _Metric(
        "claimed_jobs",
        "Jobs that a worker holds, those that run among them.",
        lambda p: p.status.held,
    ),
    _Metric("outcomes_total", "Outcomes that a worker has recorded.", lambda p: p.status.done),
    _Metric(
        "outcomes_refused_total",
        "Outcomes of a worker that Redis refused: the job was not its own any more, and may have "
        "run twice.",
        lambda p: p.status.refused,
    ),
    _Metric(
        "unrecorded_outcomes",
        "Outcomes of a worker that wait for Redis.",
        lambda p: p.status.unrecorded,
    ),
    _Metric(
        "loop_lag_seconds",
        "For how long a worker's event loop did not answer, at most, between its last two signs.",
        lambda p: p.status.lag_ms / 1000,
    ),
    _Metric("memory_bytes", "Memory of a worker process.", lambda p: p.status.rss),
    _Metric(
        "abandoned_threads",
        "Threads of a worker whose code does not end.",
        lambda p: p.status.abandoned,
    ),
    _Metric(
        "redis_errors_total", "How often Redis failed a worker.", lambda p: p.status.redis_errors
    ),
)


def text(processes: Iterable[ProcessHealth]) -> str:
    """Write all metrics of these processes; one that begins has no samples yet."""
    known = [each for each in processes if each.queue]
    return "".join(f"{line}\n" for metric in METRICS for line in _lines(metric, known))


def _lines(metric: _Metric, processes: Iterable[ProcessHealth]) -> Iterator[str]:
    name = f"gatherq_worker_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.type}"
    for each in processes:
        labels = f'queue="{_label(each.queue)}",worker="{_label(each.worker)}"'
        yield f"{name}{{{labels}}} {float(metric.read(each)):.15g}"


def _label(value: str) -> str:
    return value.translate(_ESCAPES)
