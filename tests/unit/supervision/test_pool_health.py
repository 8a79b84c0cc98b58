"""Which worker is alive, and which is ready."""

from time import monotonic

import pytest

from gatherq_worker.supervision.pool_health import PoolHealth

from .pools import child, pool


@pytest.mark.parametrize(
    ("process", "said"),
    [
        (child(), "process 7: running"),
        (child(ready=False), "process 7: starting, it imports its modules, or waits for Redis"),
        (child(endpoint=False, heard=None), "process 7: starting, Redis has not answered yet"),
        (child(heard=5.6), "process 7: away, no answer from Redis for 6 s"),
        (child("away"), "process 7: away, what it asks of Redis fails"),
        (child("blocked"), "process 7: blocked, a job holds its event loop"),
        (child("draining"), "process 7: draining, it is told to stop, or to be replaced"),
        (child(silent=3.2), "process 7: silent, its interpreter is held for 3 s"),
        (child(silent=9, ended=1), "process 7: ending, a job held its interpreter"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_process_says_how_it_is_and_is_no_reason_to_end_its_supervisor(process, said):
    health = pool(process)
    assert [*map(str, health.processes)] == [said]
    assert health.dead(health.at) == ""
    ready = said.endswith("running")
    assert health.unready(health.at) == ("" if ready else "no process takes jobs")


def test_one_process_that_takes_jobs_is_enough():
    health = pool(child(ready=False), child(), child(heard=60))
    assert health.unready(health.at) == ""


def test_nobody_takes_jobs_before_a_process_has_been_started():
    health = PoolHealth(monotonic())
    assert (health.dead(health.at), health.unready(health.at)) == ("", "no process takes jobs")


def test_who_is_told_to_stop_is_alive_and_not_ready():
    health = pool(child(), child(ended=60), stopping=True)
    assert health.unready(health.at) == "it is told to stop"
    assert health.dead(health.at + 3600) == ""


def test_a_supervisor_that_looks_no_more_is_dead():
    health = pool(child())
    assert health.dead(health.at + 9) == ""
    said = "the supervisor has not looked at its processes for 11 s"
    assert health.dead(health.at + 11) == health.unready(health.at + 11) == said


def test_a_process_that_does_not_go_when_it_is_killed_is_beyond_its_supervisor():
    health = pool(child(), child(ended=11))
    assert health.dead(health.at) == "process 7 is there 11 s after its end"
