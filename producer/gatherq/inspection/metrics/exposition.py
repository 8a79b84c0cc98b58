"""Samples in the formats of Prometheus, by prometheus_client, which is imported when needed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gatherq.extras import missing_extra

from .metric_table import METRICS, Metric
from .samples import Distribution, Sample

if TYPE_CHECKING:
    from prometheus_client import Metric as Family


def exposition(samples: Iterable[Sample], accept: str = "") -> tuple[str, bytes]:
    """Return the content type and the text of samples, by the `Accept` header of the request.

    It is the text format, or OpenMetrics where that is asked for. Raises MissingExtra.
    """
    try:
        from prometheus_client.exposition import choose_encoder
    except ImportError:
        raise missing_extra("metrics", "to write metrics") from None
    encode, content_type = choose_encoder(accept)
    return content_type, encode(_Families(samples))


class _Families:
    """A collector of what is given."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples: dict[str, list[Sample]] = defaultdict(list)
        for each in samples:
            self._samples[each.name].append(each)

    def collect(self) -> Iterator["Family"]:
        """Yield the metrics that have samples, in the order of the table."""
        for metric in METRICS:
            if metric.name in self._samples:
                yield _family(metric, self._samples[metric.name])


def _family(metric: Metric, samples: Iterable[Sample]) -> "Family":
    from prometheus_client import Metric as Family

    family = Family(_family_name(metric), metric.help, metric.type)
    for name, labels, value in samples:
        given = dict(zip(metric.labels, labels, strict=True))
        if isinstance(value, Distribution):
            _add_histogram(family, name, given, value)
        else:
            family.add_sample(name, given, value)
    return family


def _add_histogram(
    family: "Family", name: str, labels: dict[str, str], value: Distribution
) -> None:
    for bound, count in value.buckets:
        family.add_sample(f"{name}_bucket", {**labels, "le": bound}, count)
    family.add_sample(f"{name}_count", labels, value.buckets[-1][1])
    family.add_sample(f"{name}_sum", labels, value.sum)


def _family_name(metric: Metric) -> str:
    """Return the name without what the type adds to it."""
    ending = {"counter": "_total", "info": "_info"}.get(metric.type, "")
    return metric.name.removesuffix(ending)
