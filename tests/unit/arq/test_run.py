"""Our settings as arguments of arq's worker."""

import inspect

from gatherq_worker.arq.run import arguments
from gatherq_worker.arq.worker import Worker
from gatherq_worker.settings import WorkerSettings

SETTINGS = WorkerSettings(queue="q", concurrency=3, max_memory_per_child=2, burst=True)


def test_all_are_arguments_that_the_worker_has():
    found = arguments(SETTINGS)
    assert found.keys() <= inspect.signature(Worker).parameters.keys()
    assert (found["queue_name"], found["max_jobs"], found["burst"]) == ("q", 3, True)
    assert (found["most_jobs"], found["most_memory"]) == (None, 2 * 1024 * 1024)


def test_only_what_was_said_wins_over_arqs_settings():
    assert arguments(SETTINGS, {"grace", "redis_url", "verbose"}) == {"job_completion_wait": 10.0}
    assert arguments(SETTINGS, set()) == {}
