"""The formats of Prometheus, as its own parsers read them."""

import sys

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from gatherq.errors import MissingExtra
from gatherq.inspection.job_info import JobInfo
from gatherq.inspection.metrics.exposition import exposition
from gatherq.inspection.metrics.metric_table import METRICS, sample_names
from gatherq.inspection.metrics.samples import queue_samples, samples_of
from gatherq.inspection.metrics.snapshot import QueueSnapshot
from gatherq.inspection.queue_info import QueueInfo

from .found import COUNTED, FOUND

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
#: What Prometheus 2 and 3 send.
ACCEPTS = {
    "": read_text,
    "*/*": read_text,
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1": read_text,
    f"{OPENMETRICS},application/openmetrics-text;version=0.0.1;q=0.75": read_openmetrics,
}


@pytest.mark.parametrize("accept", ACCEPTS)
def test_it_is_read_as_it_was_asked_for(accept):
    content_type, text = exposition(samples_of(FOUND, "0.1"), accept)
    openmetrics = ACCEPTS[accept] is read_openmetrics
    assert content_type.startswith("application/openmetrics" if openmetrics else "text/plain")
    samples = [each for family in ACCEPTS[accept](text.decode()) for each in family.samples]
    names = dict(sample_names())
    assert {each.name for each in samples} == set(names)
    for each in samples:
        assert {*each.labels} - {"le"} == {*names[each.name].labels}
    found = {(each.name, *sorted(each.labels.values())): each.value for each in samples}
    assert found["gatherq_jobs_finished_total", "fetch", "q", "timed_out"] == 3
    assert found["gatherq_job_run_seconds_bucket", "+Inf", "fetch", "q"] == 4
    assert found["gatherq_job_run_seconds_count", "fetch", "q"] == 4
    assert found["gatherq_job_run_seconds_sum", "fetch", "q"] == 400.5


def test_types_and_help_are_those_of_the_table():
    _, text = exposition(samples_of(FOUND, "0.1"), OPENMETRICS)
    families = read_openmetrics(text.decode())
    told = [(each.type, each.documentation) for each in families]
    assert told == [(metric.type, metric.help) for metric in METRICS]


def test_whatever_a_name_is_it_comes_back():
    name = 'a"b\\c{}\n, é 世 <unknown>'
    job = JobInfo(name=name, statistics=COUNTED)
    queue = QueueSnapshot(queue=QueueInfo(name="q"), jobs=[job])
    for accept, read in ACCEPTS.items():
        _, text = exposition(queue_samples(queue), accept)
        families = {family.name: family for family in read(text.decode())}
        labels = families["gatherq_jobs_finished"].samples[0].labels
        assert labels["job_name"] == name.replace("\n", "\\n")


def test_without_prometheus_client_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client.exposition", None)
    with pytest.raises(MissingExtra, match=r"to write metrics needs gatherq\[metrics\]: pip"):
        exposition([])
