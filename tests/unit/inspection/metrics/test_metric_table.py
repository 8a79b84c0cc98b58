"""The table of metrics holds to the habits of Prometheus."""

import re

from gatherq.inspection.metrics.metric_table import BY_NAME, METRICS, sample_names
from gatherq.inspection.metrics.samples import samples_of

from .found import FOUND

UNITS = {"counter": "_total", "info": "_info", "histogram": "_seconds"}


def test_names_are_unique_and_end_as_their_type_wants():
    assert len(BY_NAME) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"gatherq(_[a-z]+)+", metric.name)
        assert metric.name.endswith(UNITS.get(metric.type, "")), metric.name
        assert metric.type in UNITS or not metric.name.endswith(("_total", "_info")), metric.name
        assert metric.help.endswith(".")


def test_each_is_told_where_all_is_known_with_the_labels_that_it_says():
    told = [*samples_of(FOUND, "0.1")]
    assert {each.name for each in told} == set(BY_NAME)
    for each in told:
        assert len(each.labels) == len(BY_NAME[each.name].labels), each.name


def test_a_histogram_has_three_names_in_a_query():
    names = [name for name, metric in sample_names() if metric.type == "histogram"]
    assert names[:3] == [f"gatherq_job_run_seconds_{part}" for part in ("bucket", "sum", "count")]
    assert len(names) == 6
