"""The fields of a record that each heartbeat tells."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from gatherq.contract.current_job import JobProgress
from gatherq.contract.records import JobRecord
from gatherq.store.server.outages import OutageLog
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.worker_record import live_fields
from gatherq_worker.engine.worker_record.live_fields import LiveFields
from gatherq_worker.engine.worker_record.news import News
from gatherq_worker.execution.guarded_task import guarded
from gatherq_worker.ipc.worker_status import WorkerStatus


class World:
    def __init__(self):
        self.attempts, self.blocked_by = Attempts(), ""
        recorder = SimpleNamespace(waiting=lambda: ([1, 2], []))
        places = SimpleNamespace(abandoned_threads=3)
        watchdog = SimpleNamespace(blocked_by=lambda: self.blocked_by, lag=lambda: 0.0123)
        self.live = LiveFields(self.attempts, recorder, places, watchdog, News())
        self.live.outages = [OutageLog(), OutageLog()]

    def running(self, n, started=1, **fields):
        job = fields.pop("job", JobRecord(f="f", a=[], k={}, et=1))
        attempt = Attempt(f"b:{n}", 1, job, started=started)
        attempt.where = "loop"
        for field, value in fields.items():
            setattr(attempt, field, value)
        self.attempts.claim(attempt)
        self.attempts.start(attempt, guarded(asyncio.sleep(60), attempt))
        self.attempts.begin(attempt)
        return attempt

    def jobs(self):
        return json.loads(self.live.read()["jobs"])


@pytest.fixture
async def world():
    world = World()
    yield world
    for task in world.attempts.tasks.values():
        task.cancel()


async def test_numbers_of_an_idle_worker(world):
    told = world.live.read()
    assert told.pop("rss") > 1024 * 1024
    assert told == {
        "seq": "0",
        "state": "running",
        "blocked_by": "",
        "running": 0,
        "held": 0,
        "done": 0,
        "refused": 0,
        "unrecorded": 2,
        "lag_ms": 12,
        "abandoned": 3,
        "redis_errors": 0,
        "jobs": "[]",
    }


async def test_jobs_that_run_are_told_and_others_counted(world):
    world.running(1, limit=2.5, progress=JobProgress(1, None, "é"))
    world.attempts.claim(Attempt("b:2", 1, None))
    told = world.live.read()
    assert (told["running"], told["held"]) == (1, 2)
    assert world.jobs() == [
        {
            "id": "b:1",
            "name": "f",
            "started": 1,
            "limit": 2.5,
            "attempt": 1,
            "where": "loop",
            "progress": {"done": 1, "total": None, "note": "é"},
        }
    ]


async def test_the_hundred_oldest_are_told(world):
    for n in range(150):
        world.running(n, started=1000 - n)
    jobs = world.jobs()
    assert [job["id"] for job in jobs] == [f"b:{n}" for n in range(149, 49, -1)]
    assert world.live.read()["running"] == 150


async def test_a_name_that_is_no_text_can_be_written(world):
    world.running(1, job=JobRecord.model_construct(name="\ud800"))
    assert world.jobs()[0]["name"] == "\ud800"
    assert world.live.read()["jobs"].isascii()


async def test_the_state_says_what_matters_most(world):
    assert world.live.read()["state"] == "running"
    world.live.outages[1].ok = False
    assert world.live.read()["state"] == "away"
    world.live.draining = True
    assert world.live.read()["state"] == "draining"
    world.blocked_by = "b:1 jobs.py:3 in f\n"
    told = world.live.read()
    assert (told["state"], told["blocked_by"]) == ("blocked", "b:1 jobs.py:3 in f\\n")


async def test_errors_of_redis_are_those_of_all_parts(world):
    for log in world.live.outages:
        await log.note_error("do it", OSError())
    assert world.live.read()["redis_errors"] == 2


async def test_what_is_told_again_is_the_state_and_what_has_changed(world):
    assert set(world.live.changes()) == set(world.live.read())
    world.running(1)
    changed = world.live.changes()
    assert {"state", "running", "held", "jobs"} <= set(changed) <= {*changed, "rss"}
    assert not {"seq", "done", "abandoned"} & set(changed)
    assert set(world.live.changes()) <= {"state", "rss"}
    world.live.tell_all()
    assert set(world.live.changes()) == set(world.live.read())


async def test_where_nobody_tells_the_memory_it_is_0(world, monkeypatch, tmp_path):
    monkeypatch.setattr(live_fields, "_MEMORY", str(tmp_path / "none"))
    assert world.live.read()["rss"] == 0


async def test_a_supervisor_is_told_the_numbers_that_were_read_last_and_the_state_of_now(world):
    assert world.live.status(0.0) == WorkerStatus("running")
    world.running(1)
    world.live.changes()
    world.live.draining = True
    status = world.live.status(12.5)
    assert status[:4] == ("draining", 12.5, 1, 1)
    assert (status.unrecorded, status.lag_ms, status.abandoned) == (2, 12, 3)
    assert status.rss > 1024 * 1024
    world.live.tell_all()  # Redis knows nothing any more; the supervisor does
    assert world.live.status(12.5) == status


async def test_whatever_state_is_told_can_be_written(world):
    for draining in (False, True):
        for world.blocked_by in ("", "b:1 in f"):
            world.live.draining = draining
            world.live.changes()
            assert world.live.status(1.0).encode()


async def test_it_runs_as_told_until_that_changes_and_once_the_change_is_told(world):
    assert not world.live.runs_as_told  # nothing was told
    world.live.changes()
    assert world.live.runs_as_told
    world.blocked_by = "b:0"
    assert not world.live.runs_as_told
    world.live.changes()
    assert not world.live.runs_as_told
    world.blocked_by = ""
    assert not world.live.runs_as_told  # that it is blocked was told last
    world.live.changes()
    assert world.live.runs_as_told
    world.live.tell_all()
    assert not world.live.runs_as_told
