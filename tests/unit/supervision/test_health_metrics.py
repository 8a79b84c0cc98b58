"""Metrics of the processes of one supervisor."""

from prometheus_client.parser import text_string_to_metric_families

from gatherq.inspection.metrics.metric_table import BY_NAME
from gatherq_worker.ipc.worker_status import WorkerStatus
from gatherq_worker.supervision.health_metrics import METRICS, text

from .pools import WELL

STATUS = WorkerStatus("running", 1.0, 2, 3, 2**40, 4, 5, 1500, 2**33, 7, 8)


def samples(*processes):
    families = text_string_to_metric_families(text(processes))
    return [sample for family in families for sample in family.samples]


def test_prometheus_reads_each_number_with_its_queue_and_worker():
    found = samples(WELL._replace(status=STATUS))
    assert {sample.name: sample.value for sample in found} == {
        "gatherq_worker_ready": 1,
        "gatherq_worker_running_jobs": 2,
        "gatherq_worker_claimed_jobs": 3,
        "gatherq_worker_outcomes_total": 2**40,
        "gatherq_worker_outcomes_refused_total": 4,
        "gatherq_worker_unrecorded_outcomes": 5,
        "gatherq_worker_loop_lag_seconds": 1.5,
        "gatherq_worker_memory_bytes": 2**33,
        "gatherq_worker_abandoned_threads": 7,
        "gatherq_worker_redis_errors_total": 8,
    }
    assert all(sample.labels == {"queue": "q", "worker": "h.1.a"} for sample in found)


def test_who_takes_no_jobs_is_not_ready():
    found = samples(WELL._replace(why="it drains"))
    assert [s.value for s in found if s.name == "gatherq_worker_ready"] == [0]


def test_a_process_that_has_not_told_its_queue_has_no_samples():
    assert samples(WELL._replace(queue="")) == []


def test_a_queue_of_any_name_is_one_label():
    for queue in ('a"b', "a\\n", "a\nb", "{x}"):
        assert samples(WELL._replace(queue=queue))[0].labels["queue"] == queue


def test_names_types_and_texts_are_those_of_the_table():
    ready, *others = METRICS
    assert ready.name == "ready"
    for metric in others:
        known = BY_NAME[f"gatherq_worker_{metric.name}"]
        assert (metric.type, metric.help) == (known.type, known.help)
