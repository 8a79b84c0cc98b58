"""What arq's log says of each job, and what its counters count."""

import logging
from types import SimpleNamespace

import pytest
from arq.worker import Retry

from gatherq.contract.records import JobRecord, Times, Verdict
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.arq.job_log import ArqLog, Counters
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.events import JobEnded, JobRefused, JobReleased, JobRetried, JobStarted
from gatherq_worker.execution.result import ExecutionResult

TIMES = Times(1000, 3500)
NEVER_RUN = Times(None, 3500)
INFO = ErrorInfo(type="ValueError", message="")


@pytest.fixture
def worker():
    function = SimpleNamespace(max_tries=None)
    return SimpleNamespace(
        jobs_complete=0,
        jobs_failed=0,
        jobs_retried=0,
        log_results=True,
        functions={"add": function},
        max_tries=5,
        stopped_by=None,
    )


@pytest.fixture
def log(worker, caplog):
    caplog.set_level(logging.INFO)
    return ArqLog(worker)


def attempt(**values):
    job = JobRecord.model_validate({"f": "add", "a": [1], "k": {"b": 2}, "t": None, "et": 500})
    made = Attempt("j", 1, job, score=500)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def counts(worker):
    return worker.jobs_complete, worker.jobs_failed, worker.jobs_retried


def test_what_became_of_jobs_is_counted(worker):
    counters = Counters(worker)
    counters.job_ended(JobEnded(attempt(), Verdict("succeeded", 1), TIMES))
    counters.job_ended(JobEnded(attempt(), verdicts.timed_out("execution", 1.0), TIMES))
    counters.job_ended(JobEnded(attempt(), verdicts.failed("ValueError", "no"), TIMES))
    counters.job_retried(JobRetried(attempt(), ValueError(), 1.0, TIMES, INFO, granted=True))
    counters.job_released(JobReleased(attempt()))
    assert counts(worker) == (1, 2, 2)


def test_a_start_says_how_long_the_job_has_waited_and_with_which_arguments(log, caplog):
    log.job_started(JobStarted(attempt(), 2500))
    log.job_started(JobStarted(attempt(number=2), 1000))
    assert caplog.messages == [
        "  2.00s → j:add(1, b=2) delayed=2.00s",
        "  0.50s → j:add(1, b=2) try=2",
    ]


@pytest.mark.parametrize(
    ("verdict", "times", "line"),
    [
        (Verdict("succeeded", None), TIMES, "  2.50s ← j:add ● "),
        (verdicts.cancelled("producer"), TIMES, "  2.50s ⊘ j:add aborted"),
        (verdicts.cancelled("producer"), NEVER_RUN, "  3.00s ⊘ j:add aborted before start"),
        (verdicts.retries_exceeded(5), NEVER_RUN, "  3.00s ! j:add max retries 5 exceeded"),
    ],
)
def test_an_end_is_told_in_arqs_words(log, caplog, verdict, times, line):
    log.job_ended(JobEnded(attempt(), verdict, times))
    assert caplog.messages == [line]


def test_a_timeout_is_told_as_an_error(log, caplog):
    log.job_ended(JobEnded(attempt(), verdicts.timed_out("execution", 1.0), TIMES))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("  2.50s ! j:add failed, TimeoutError: ")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Retry(3), "  2.50s ↻ j:add retrying job in 3.00s"),
        (ValueError(), "  2.50s ↻ j:add cancelled, will be run again"),
    ],
)
def test_a_further_attempt_is_told(log, caplog, error, line):
    log.job_retried(JobRetried(attempt(), error, 3.0, TIMES, INFO, granted=True))
    assert caplog.messages == [line]


def test_a_value_is_shown_as_it_shows_itself_unless_it_cannot(log, caplog):
    class Odd:
        def __repr__(self):
            raise RuntimeError("no")

    for value, shown in ((5, "5"), (Odd(), "<unprintable: RuntimeError>")):
        caplog.clear()
        done = attempt()
        log.look(ExecutionResult(value), done)
        log.job_ended(JobEnded(done, Verdict("succeeded", value), TIMES))
        assert caplog.messages == [f"  2.50s ← j:add ● {shown}"]


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        ({"job": None}, "job j expired"),
        ({"job": None, "size": 3}, "deserializing job j failed: why"),
        ({}, "job j, function 'add' not found: why"),
    ],
)
def test_what_cannot_be_run_says_why(log, caplog, problem, line):
    log.job_refused(JobRefused(attempt(**problem), LookupError("why")))
    assert caplog.messages == [line]


def test_arguments_that_do_not_fit_are_not_told_as_an_unknown_function(log, caplog):
    log.job_refused(JobRefused(attempt(), TypeError("add() cannot take these arguments: why")))
    assert caplog.messages == ["job j, function 'add': add() cannot take these arguments: why"]
