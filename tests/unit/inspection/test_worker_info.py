"""What the record of a worker says, and what it does not."""

import json
from datetime import UTC, datetime

import pytest

from gatherq.inspection.worker_info import Progress, RunningJob, plain_arq, read_worker
from gatherq.store.inspection.worker_records import WorkerFields

NOW = 1_795_000_000_000
FIELDS = {
    "host": "web-3",
    "pid": "41",
    "version": "0.1.0",
    "python": "3.12.1",
    "queue": "q",
    "places": '{"loop": 100, "threads": 32}',
    "lease": "5000",
    "started": str(NOW - 60_000),
    "seen": str(NOW - 400),
    "state": "running",
    "running": "98",
    "held": "100",
    "done": "7",
    "refused": "3",
    "unrecorded": "2",
    "lag_ms": "3",
    "rss": "92000000",
    "abandoned": "1",
    "redis_errors": "4",
    "handlers": '["fetch", "parse"]',
    "handlers_cut": "0",
    "jobs": json.dumps(
        [
            {
                "id": "b:7",
                "name": "fetch",
                "started": NOW - 1000,
                "limit": 2.5,
                "attempt": 3,
                "where": "loop",
                "progress": {"done": 3, "total": 10, "note": "page"},
            }
        ]
    ),
}


def read(fields, signed=NOW - 900):
    return read_worker(WorkerFields("web-3.41.c0", signed, fields), NOW)


def test_a_record_is_read_with_its_units():
    worker = read(FIELDS)
    assert (worker.name, worker.state, worker.host, worker.pid) == (
        *("web-3.41.c0", "running", "web-3", 41),
    )
    assert (worker.places, worker.capacity) == ({"loop": 100, "threads": 32}, 100)
    assert (worker.running, worker.held, worker.done, worker.unrecorded) == (98, 100, 7, 2)
    assert worker.refused == 3
    assert (worker.lag, worker.memory, worker.lease) == (0.003, 92_000_000, 5.0)
    assert worker.started == datetime.fromtimestamp(NOW / 1000 - 60, UTC)
    assert worker.age == 0.4  # its record is newer than its sign of life
    assert worker.handlers == {"fetch", "parse"}
    assert worker.jobs == (
        RunningJob(
            id="b:7",
            name="fetch",
            started=datetime.fromtimestamp(NOW / 1000 - 1, UTC),
            limit=2.5,
            attempt=3,
            where="loop",
            progress=Progress(done=3, total=10, note="page"),
        ),
    )


@pytest.mark.parametrize("state", ["running", "draining", "blocked", "away"])
def test_it_says_its_state_while_it_is_heard(state):
    assert read(FIELDS | {"state": state}).state == state
    late = {"state": state, "seen": str(NOW - 5001)}
    assert read(FIELDS | late, signed=NOW - 3126).state == "silent"
    assert not read(FIELDS | late, signed=NOW - 5001).alive


def test_an_idle_one_signs_less_often():
    idle = FIELDS | {"held": "0", "seen": "0"}
    assert read(idle, signed=NOW - 4999).state == "running"
    assert read(idle, signed=NOW - 5001).state == "silent"
    assert read(idle | {"lease": "60000"}, signed=NOW - 7499).state == "running"
    assert read(idle | {"lease": "60000"}, signed=NOW - 7501).state == "silent"


def test_one_without_a_record_is_known_by_its_sign_of_life():
    worker = read({}, signed=NOW - 14_000)
    assert (worker.state, worker.age, worker.handlers, worker.capacity) == (
        *("running", 14.0, None, None),
    )
    assert read({}, signed=NOW - 16_000).state == "silent"


@pytest.mark.parametrize("junk", ["", "x", "-1", "9" * 400, "[1", "null", "[[]]", '{"a": "b"}'])
@pytest.mark.parametrize("name", FIELDS)
def test_junk_in_a_field_counts_as_not_given(name, junk):
    worker = read(FIELDS | {name: junk})
    assert worker.name == "web-3.41.c0"
    assert worker.jobs == () or name != "jobs"


@pytest.mark.parametrize(
    "job",
    [
        {"id": "b:1", "started": "x", "limit": [], "attempt": None, "where": 3, "name": {}},
        {"id": "b:1", "started": 1e300, "progress": {"done": "x"}},
        {"id": "b:1", "progress": []},
    ],
)
def test_junk_in_a_job_leaves_its_id(job):
    (found,) = read(FIELDS | {"jobs": json.dumps([job, 7, {"id": 3}])}).jobs
    assert found == RunningJob(id="b:1")


def test_names_that_were_left_out_leave_the_handlers_unknown():
    assert read(FIELDS | {"handlers_cut": "1"}).handlers is None


def test_plain_arq_workers_are_known_by_their_jobs():
    worker = plain_arq(("import:9",))
    assert (worker.state, worker.running, worker.jobs) == ("arq", 1, (RunningJob(id="import:9"),))
