"""What a worker leaves to others, and for how long."""

import logging
from types import SimpleNamespace

import pytest
from pydantic_core import from_json

from gatherq.contract.job_definition import JobDefinition
from gatherq.contract.records import JobRecord
from gatherq.store.queue_position import FRONT, QueuePosition
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.unknown_jobs import UnknownJobs
from gatherq_worker.registry import Handler, Registry

NOW = 1_700_000_000_000


@pytest.fixture
def clock():
    """A clock that is set by hand."""
    return SimpleNamespace(now=100.0)


def known() -> None:
    pass


@pytest.fixture
def leaves(clock):
    return UnknownJobs(Registry([Handler(JobDefinition("known"), known)]), 30.0, lambda: clock.now)


def attempt(name, batch="b", enqueued=NOW - 60_000, **more):
    job = JobRecord(f=name, a=[], k={}, et=enqueued)
    return Attempt("b:0", 1, job, batch=batch, **more)


def met(leaves, *names):
    """Let it meet names, and be told of them."""
    for name in names:
        leaves.delay(attempt(name), NOW)
    return leaves.passing


def test_a_known_job_is_run_and_an_unknown_one_left_to_others(leaves):
    assert leaves.delay(attempt("known"), NOW) is None
    assert leaves.passing.names == b""
    assert leaves.delay(attempt("new"), NOW) == 0.0
    assert from_json(leaves.passing.names) == ['"new"']
    assert leaves.passing.ms == 30_000


@pytest.mark.parametrize(
    "job",
    [
        attempt("new", batch=None),
        attempt("new", cancelled_by="me"),
        attempt("n" * 257),
        Attempt("b:0", 1, None, batch="b"),
    ],
    ids=["arq's", "cancelled", "a name that no producer writes", "damaged"],
)
def test_what_nobody_can_run_is_not_left(leaves, job):
    assert leaves.delay(job, NOW) is None
    assert leaves.passing.names == b""


def test_a_run_of_a_schedule_is_left_too(leaves, clock):
    """It has no batch, and no arq producer that waits for its error."""

    def run(name):
        return Attempt(f"cron:new:{NOW}", 1, JobRecord(f=name, a=[], k={}, et=NOW))

    assert leaves.delay(run("cron:new"), NOW) is None  # a cron job of arq's
    assert leaves.delay(run("new"), NOW) == 0.0
    leaves.passing  # noqa: B018 (the next claim)
    assert leaves.delay(run("new"), NOW) == 1.0
    clock.now += 30
    assert leaves.delay(run("new"), NOW + 30_000) is None


def test_with_no_seconds_nothing_is_left(clock):
    assert UnknownJobs(Registry([]), 0.0).delay(attempt("new"), NOW) is None


def test_the_time_runs_from_the_first_meeting_and_from_the_submission(leaves, clock):
    met(leaves, "new")
    clock.now += 29.9
    assert leaves.delay(attempt("new"), NOW) is not None
    clock.now += 0.1
    assert leaves.delay(attempt("new"), NOW) is None
    assert leaves.delay(attempt("new", enqueued=NOW - 29_000), NOW) is not None


def test_what_a_claim_did_not_pass_over_waits_a_while(leaves):
    """It is of another format: to give it back at once would bring it again at once."""
    met(leaves, "new")
    assert leaves.delay(attempt("new"), NOW) == 1.0
    assert leaves.delay(attempt("newer"), NOW) == 0.0
    assert leaves.delay(attempt("newer"), NOW) == 0.0  # of the same claim


def test_names_are_written_as_jobs_have_them(leaves):
    names = ['a"b', "\\", "éclair", "a\nb", "\U0001f600", "x/y", "\x7f"]
    assert [from_json(name) for name in from_json(met(leaves, *names).names)] == names
    assert '"éclair"' in from_json(leaves.passing.names)


def test_too_many_names_are_left_but_not_passed_over(leaves, clock, caplog):
    with caplog.at_level(logging.WARNING, "gatherq.worker"):
        met(leaves, *(f"n{n}" for n in range(1000)))
    assert len(from_json(leaves.passing.names)) == 200
    assert len(caplog.records) == 200
    for _ in range(2):
        assert leaves.delay(attempt("n900", enqueued=NOW - 10_000), NOW) == 1.0
    assert leaves.delay(attempt("n900", enqueued=NOW - 30_000), NOW) is None
    clock.now += 31  # the first have had their time
    assert leaves.delay(attempt("n900"), NOW) == 0.0
    assert '"n900"' in from_json(leaves.passing.names)
    assert len(from_json(leaves.passing.names)) == 200


def test_a_pass_goes_on_to_its_end_and_begins_anew_after_a_pause(leaves, clock):
    assert met(leaves, "new").position == FRONT
    for n in range(50):
        leaves.passed(QueuePosition("5", n), end=False)
        clock.now += 1
        assert leaves.passing.position == QueuePosition("5", n)
    leaves.passed(QueuePosition("9", 0), end=True)
    clock.now += 4.9
    leaves.passed(QueuePosition("10", 0), end=True)  # what came meanwhile
    assert leaves.passing.position == QueuePosition("10", 0)
    clock.now += 0.3  # fifty-one claims make some five seconds
    assert leaves.passing.position == FRONT
    leaves.passed(QueuePosition("11", 0), end=True)
    clock.now += 0.9
    assert leaves.passing.position == QueuePosition("11", 0)
    clock.now += 0.2  # a short pass makes one
    assert leaves.passing.position == FRONT


def test_the_longest_pause(leaves, clock):
    met(leaves, "new")
    for n in range(5000):
        leaves.passed(QueuePosition("5", n), end=n == 4999)
    clock.now += 10.1
    assert leaves.passing.position == FRONT
