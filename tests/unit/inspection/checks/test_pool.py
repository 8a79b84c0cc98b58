"""What is said of a queue, its workers and its batches."""

from datetime import UTC, datetime, timedelta

import pytest

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.checks.pool import check_expiry, check_pool
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo

NOW = datetime(2026, 11, 28, tzinfo=UTC)
WORKER = {"name": "a.1.x", "state": "running", "version": "1.0"}


def findings(queue=None, workers=({},), batches=()):
    found = [WorkerInfo(**WORKER | each) for each in workers]
    alive = sum(each.alive and each.state != "arq" for each in found)
    given = QueueInfo(**{"name": "q", "workers": alive, **(queue or {})})
    checked = check_pool(given, found, [BatchInfo(**each) for each in batches], NOW, "1.0")
    return {each.code: each for each in checked}


def test_a_pool_that_is_well():
    found = findings({"places": 100})
    assert {code: each.level for code, each in found.items()} == {"workers": "ok", "waiting": "ok"}
    assert found["workers"].text == "1 worker on q, 100 places"


@pytest.mark.parametrize(
    ("queue", "workers", "code", "level", "says"),
    [
        ({"claimable": 7}, (), "workers", "problem", "no worker on q, and jobs waiting: 7"),
        ({}, (), "workers", "warning", "no worker on q"),
        ({"claimable": 7}, ({"state": "silent"},), "workers", "problem", "no worker on q"),
        ({}, ({"state": "silent"}, {}), "silent", "warning", "a.1.x gives no sign of life"),
        (
            *({}, ({"state": "blocked", "blocked_by": "b:7 parse"},)),
            *("blocked", "warning", "the event loop of a.1.x is held by b:7 parse"),
        ),
        ({}, ({"abandoned": 3},), "abandoned", "warning", "threads of a.1.x"),
        ({}, ({"version": "0.9"}, {}), "versions", "warning", "0.9 (1), 1.0 (1); here is 1.0"),
        ({}, ({"version": ""},), "workers", "ok", "1 worker"),
        ({"claimable": 7, "waiting": 90.0}, ({},), "waiting", "warning", "the oldest for 1m30s"),
        ({"claimable": 7, "waiting": 3.0}, ({},), "waiting", "ok", "7 waiting in q"),
        (
            {"parked": 7, "outside": 1},
            (),
            "workers",
            "problem",
            "no worker on q, and jobs waiting: 8",
        ),
        ({"parked": 7}, ({},), "waiting", "ok", "nothing waits in q; limits hold back 7"),
        ({"arq": True, "arq_jobs": ("x",)}, ({},), "arq", "warning", "on q, and holds x"),
        ({"quarantined": 2}, ({},), "quarantine", "warning", "2 members"),
    ],
)
def test_what_is_wrong(queue, workers, code, level, says):
    found = findings(queue, workers)[code]
    assert found.level == level
    assert says in found.text
    assert bool(found.hint) is (level != "ok")


def test_batches_of_which_nothing_runs():
    old = NOW - timedelta(minutes=11)
    stuck = [{"id": f"b{n}", "size": 2, "created": old} for n in range(5)]
    well = [
        {"id": "new", "size": 2, "created": NOW},
        {"id": "running", "size": 2, "running": 1, "created": old},
        {"id": "ended", "size": 2, "succeeded": 2, "created": old},
        {"id": "paced", "size": 2, "created": old, "next_start": NOW - timedelta(minutes=1)},
        {"id": "later", "size": 2, "created": old, "starts": NOW + timedelta(hours=1)},
    ]
    found = findings(batches=[*well, *stuck])["batches"]
    assert found.text == "b0, b1, b2 and 2 more: not finished, and nothing of it runs"
    assert "batches" not in findings(batches=well)


def test_keys_that_never_expire():
    assert check_expiry("q", (0, [])).level == "ok"
    found = check_expiry("q", (5, ["a", "b", "c"]))
    assert (found.level, found.text) == ("warning", "5 keys never expire: a, b, c and 2 more")
    assert check_expiry("q", (1, ["a"])).text == "1 key never expires: a"
