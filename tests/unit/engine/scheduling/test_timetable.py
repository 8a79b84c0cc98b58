"""Which runs are due."""

import json
import math

import pytest

from gatherq import cron, job
from gatherq.contract.keys import DEFAULT_QUEUE
from gatherq.store.cron import TOO_LATE
from gatherq_worker.engine.scheduling.timetable import Timetable
from gatherq_worker.registry import Handler

#: A time that no schedule here names: 20 s after a full minute, 6 minutes after a full hour.
NOW = 1_795_000_000_000
MINUTE = 60_000
NEXT = NOW + 20_000  # the next full minute


@job(name="m:refresh")
@cron("* * * * *")
def refresh() -> None: ...


@job(name="hourly")
@cron("0 * * * *")
@cron("*/30 * * * *")
def hourly() -> None: ...


@job()
def never() -> None: ...


def timetable(*functions):
    return Timetable(map(Handler.of, functions), DEFAULT_QUEUE)


def ids(runs):
    return [run.job_id for run in runs]


@pytest.fixture
def table():
    """A timetable that has been looked at."""
    table = timetable(refresh)
    assert ids(table.due(NOW)) == []
    return table


def test_what_has_no_schedule_is_never_due():
    table = timetable(never)
    assert (len(table), ids(table.due(NOW)), table.wait(NOW)) == (0, [], math.inf)


def test_what_was_missed_before_the_first_look_is_left_out(table):
    assert table.wait(NOW) == 20.0
    assert ids(table.due(NEXT - 1)) == []
    assert table.wait(NEXT - 1) == 0.001


def test_a_run_is_due_at_its_time_and_once(table):
    (run,) = table.due(NEXT)
    assert (run.run, run.job_id, run.score) == (f"cron:m:refresh:{NEXT}", run.run, NEXT)
    job = json.loads(run.job)
    assert (job["f"], job["a"], job["k"], job["et"]) == ("m:refresh", [], {}, NEXT)
    assert ids(table.due(NEXT)) == []
    assert table.wait(NEXT) == 60.0


def test_a_run_is_due_again_unless_the_next_was_asked_for(table):
    runs = table.due(NEXT)
    first = next(runs)
    runs.close()  # as by an error of Redis
    assert ids(table.due(NEXT + 5000)) == [first.job_id]


def test_of_several_that_were_missed_the_first_stands_for_all(table):
    late = NEXT + 5 * MINUTE + 7
    (run,) = table.due(late)
    assert (run.job_id, run.score) == (f"cron:m:refresh:{NEXT}", late)
    assert table.wait(late) == pytest.approx(59.993)


def test_what_is_too_late_is_skipped(table):
    assert ids(table.due(NEXT + TOO_LATE + 1)) == []


def test_schedules_that_name_one_time_make_one_id():
    table = timetable(hourly, refresh)
    assert len(table) == 3
    assert ids(table.due(NOW)) == []
    hour = NOW + 53 * MINUTE + 20_000
    for at in range(NEXT, hour, MINUTE):
        seen = ids(table.due(at))
        assert seen[-1] == f"cron:m:refresh:{at}"
    assert ids(table.due(hour)) == [*[f"cron:hourly:{hour}"] * 2, f"cron:m:refresh:{hour}"]
