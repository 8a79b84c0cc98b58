"""What is said of jobs that wait where nobody comes."""

import pytest

from gatherq.inspection.checks.stranded import check_handlers, check_others
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo


def worker(*handlers, state="running"):
    return WorkerInfo(name="a.1.x", state=state, handlers=frozenset(handlers))


def test_calls_that_no_live_worker_knows():
    workers = [worker("fetch"), worker("parse"), worker("store", state="silent")]
    waiting = ["fetch", "store", "nothing", "parse", "store"]
    [found] = check_handlers(QueueInfo(name="q"), workers, waiting)
    assert (found.code, found.level) == ("handlers", "warning")
    assert found.text == "waiting in q, and known to no live worker: nothing (1), store (2)"
    assert found.hint == "start a worker that has them: gatherq worker MODULE --queue q"


def test_a_name_that_is_nearly_known():
    [found] = check_handlers(QueueInfo(name="q"), [worker("fetch")], ["fetsh"])
    assert found.text.endswith("fetsh (1) (did you mean fetch?)")


@pytest.mark.parametrize(
    ("queue", "workers", "waiting"),
    [
        ({}, [worker("fetch")], ["fetch"]),
        ({}, [worker("fetch")], []),
        ({}, [], ["other"]),
        ({}, [worker("fetch"), WorkerInfo(name="b", state="running")], ["other"]),
        ({"arq": True}, [worker("fetch")], ["other"]),
    ],
)
def test_where_nobody_can_say_so(queue, workers, waiting):
    assert not [*check_handlers(QueueInfo(name="q", **queue), workers, waiting)]


def test_jobs_on_other_queues_without_a_worker():
    queues = [
        QueueInfo(name="left", claimable=1200),
        QueueInfo(name="served", claimable=7, workers=1),
        QueueInfo(name="plain", claimable=7, arq=True),
        QueueInfo(name="empty"),
    ]
    [found] = check_others(queues)
    assert (found.code, found.level) == ("elsewhere", "warning")
    assert found.text == "jobs waiting on other queues that have no worker: left (1,200)"
    assert found.hint.startswith("start one: gatherq worker MODULE --queue left;")
    assert not [*check_others(queues[1:])]


def test_a_line_names_some():
    [found] = check_others([QueueInfo(name=f"q{n}", claimable=1) for n in range(5)])
    assert found.text.endswith(": q0 (1), q1 (1), q2 (1) and 2 more")
