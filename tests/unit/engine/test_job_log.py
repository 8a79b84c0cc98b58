"""The worker's own lines of jobs: which, about what, and at which level."""

import logging

import pytest

from gatherq.contract.records import JobRecord, Times, Verdict
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.events import JobDied, JobEnded, JobReleased, JobRetried
from gatherq_worker.engine.job_log import JobLog

TIMES = Times(1000, 4000)
TRACEBACK = """Traceback (most recent call last):
  File "{}/kitchen.py", line 12, in weigh
    raise ValueError("no pumpkin")
ValueError: no pumpkin"""
DEATH = {"attempt": 1, "status": "died", "error": {"type": "WorkerDied", "message": "exit code 1"}}


@pytest.fixture
def info(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    traceback = TRACEBACK.format(tmp_path)
    return ErrorInfo(type="ValueError", message="no pumpkin", traceback=traceback)


@pytest.fixture
def lines(caplog):
    """Return the lines of a level and above."""
    caplog.set_level(logging.DEBUG)

    def lines(level=logging.INFO):
        return [each.getMessage() for each in caplog.records if each.levelno >= level]

    return lines


def attempt(number=1, **fields):
    job = JobRecord.model_validate({"f": "chop", "a": ["onion", 12], "k": {}, "et": 500})
    made = Attempt("b:2", number, job)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def ended(verdict, *, every=False, **fields):
    JobLog(every=every).job_ended(JobEnded(attempt(**fields), verdict, TIMES))


def test_a_failure_says_which_job_what_and_where(lines, info):
    ended(Verdict("failed", "", {"error": info}))
    said = "job b:2 chop('onion', 12) failed at attempt 1: ValueError: no pumpkin"
    assert lines(logging.WARNING) == [f"{said} (kitchen.py:12 in weigh)"]


def test_a_frame_that_only_the_message_names_is_not_where_it_was(lines):
    message = 'see\n  File "/x.py", line 1, in y'
    info = ErrorInfo(type="ValueError", message=message, traceback=f"ValueError: {message}\n")
    ended(Verdict("failed", "", {"error": info}))
    assert not lines()[0].endswith("(/x.py:1 in y)")


def test_a_long_message_is_cut(lines):
    ended(Verdict("failed", "", {"error": ErrorInfo(type="E", message="x" * 9000)}))
    assert len(lines()[0]) < 400


@pytest.mark.parametrize(
    ("verdict", "fields", "line"),
    [
        (
            verdicts.timed_out("execution", 10),
            {},
            "timed out at attempt 1: execution limit of 10 s",
        ),
        (
            verdicts.lost(2),
            {"number": 2, "history": (DEATH, DEATH)},
            "lost at attempt 2: after 2 attempts, the last of which took its worker down "
            "(exit code 1)",
        ),
    ],
)
def test_a_job_that_timed_out_or_was_lost_is_told(lines, verdict, fields, line):
    ended(verdict, **fields)
    assert lines(logging.WARNING) == [f"job b:2 chop('onion', 12) {line}"]


def test_a_cancellation_is_told_to_who_looks_for_it(lines):
    ended(verdicts.cancelled("producer"))
    assert lines() == []
    assert lines(logging.DEBUG) == ["job b:2 chop('onion', 12) cancelled at attempt 1: by producer"]


def test_the_log_of_every_job_has_cancellations(lines):
    ended(verdicts.cancelled("producer"), every=True)
    assert lines(logging.INFO) == ["job b:2 chop('onion', 12) cancelled at attempt 1: by producer"]


@pytest.mark.parametrize(
    ("verdict", "result"),
    [
        (Verdict("succeeded", None, {}, b'"finished"'), ': "finished"'),
        (Verdict("succeeded", None, {}, b"null"), ""),
        (Verdict("succeeded", object()), ""),
        (Verdict("succeeded", None, {}, b"9" * 900), f": {'9' * 80}..."),
    ],
)
def test_a_success_is_told_if_every_job_is(lines, verdict, result):
    ended(verdict)
    assert lines() == []
    ended(verdict, every=True)
    assert lines() == [f"job b:2 chop('onion', 12) succeeded in 3.00 s{result}"]


def test_a_failure_comes_with_its_traceback_if_every_job_is_told(caplog, info):
    ended(Verdict("failed", "", {"error": info}), every=True, raised=ValueError("no pumpkin"))
    (record,) = caplog.records
    assert record.exc_info[1].args == ("no pumpkin",)
    assert record.traceback == info.traceback


LATE = ErrorInfo(type="timed_out", message="timed out: execution limit of 1 s")


@pytest.mark.parametrize(
    ("late", "line"),
    [
        (False, "failed at attempt 1: ValueError: no pumpkin (kitchen.py:12 in weigh)"),
        (True, "timed out at attempt 1: execution limit of 1 s"),
    ],
)
def test_a_further_attempt_is_told_with_its_delay(lines, info, late, line):
    info = LATE if late else info
    JobLog().job_retried(JobRetried(attempt(), ValueError(), 2.0, TIMES, info, granted=True))
    assert lines() == [f"job b:2 chop('onion', 12) {line}; runs again in 2.0 s"]


def test_a_further_attempt_that_is_not_granted_is_not_announced(lines, info):
    JobLog().job_retried(JobRetried(attempt(), ValueError(), 2.0, TIMES, info, granted=False))
    assert lines() == []


def test_a_death_and_a_release_are_told(lines):
    JobLog().job_died(JobDied(attempt(), "exit code 1"))
    JobLog().job_released(JobReleased(attempt()))
    assert lines() == [
        "job b:2 chop('onion', 12) took its process down at attempt 1: exit code 1; runs again",
        "job b:2 chop('onion', 12) goes back to the queue",
    ]
