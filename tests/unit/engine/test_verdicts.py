"""Precedence: which of a value, an error, a deadline, a request, a death and a retry wins."""

import asyncio

import pytest

from gatherq import Retry
from gatherq.contract.job_definition import NO_RETRIES, JobDefinition, RetryRules
from gatherq.contract.records import Times, Verdict, decode_result
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.conclusion.verdicts import OutOfAttempts, RunAgain
from gatherq_worker.execution.result import ExecutionResult, ProcessDied
from gatherq_worker.registry import Handler

RULES = RetryRules(5, (ValueError,), timeouts=True, backoff=1.0, jitter=0.0)
CANCELLED = asyncio.CancelledError
MOST = 3


def asks_for_seven(error):
    return 7.0 if isinstance(error, KeyError | CANCELLED) else None


def concluded(result, number=1, *, rules=NO_RETRIES, takes_ctx=False, asks=asks_for_seven):
    """Say in a word or two what becomes of it."""
    handler = Handler(JobDefinition("f", rules=rules), print, takes_ctx=takes_ctx)
    if result.error is not None and result.info is None:
        result.info = ErrorInfo(type=type(result.error).__name__, message=str(result.error))
    attempt = Attempt("b:0", number, None)
    match verdicts.conclude(result, attempt, handler, MOST, asks):
        case RunAgain(delay, status, error):
            return "again", delay, status, error.type
        case OutOfAttempts(verdict, again):
            return "exceeded", verdict.status, again.delay, again.status
        case Verdict() as verdict:
            return verdict.status, *verdict.fields.values()
    raise AssertionError


def result(value=None, error=None, **fields):
    return ExecutionResult(value=value, error=error, limit=2.0, **fields)


@pytest.mark.parametrize(
    ("ended", "wanted"),
    [
        (result(1), ("succeeded",)),
        # A request wins over whatever the code made of it, and over a deadline that came later.
        (result(1, cancelled_by="me"), ("cancelled", "me")),
        (result(error=CANCELLED(), cancelled_by="me"), ("cancelled", "me")),
        (result(error=ValueError(), cancelled_by="me"), ("cancelled", "me")),
        (result(error=KeyError(), cancelled_by="me"), ("cancelled", "me")),
        (result(error=Retry(1), cancelled_by="me"), ("cancelled", "me")),
        (result(1, expired=True, cancelled_by="me"), ("cancelled", "me")),
        # A deadline wins over whatever the code made of it.
        (result(1, expired=True), ("timed_out", "execution", 2.0)),
        (result(error=CANCELLED(), expired=True), ("timed_out", "execution", 2.0)),
        (result(error=ValueError(), expired=True), ("timed_out", "execution", 2.0)),
        (result(error=KeyError(), expired=True), ("timed_out", "execution", 2.0)),
        (result(error=Retry(1), expired=True), ("timed_out", "execution", 2.0)),
        (result(error=ProcessDied(), expired=True), ("timed_out", "execution", 2.0)),
        (result(expired=True, which="batch"), ("timed_out", "batch", 2.0)),
        # A job that cancels itself is cancelled.
        (result(error=CANCELLED()), ("cancelled", "job")),
        # A death is followed by another attempt, whatever else was the matter.
        (result(error=ProcessDied("it")), ("again", 0.0, "died", "WorkerDied")),
        (result(error=ProcessDied("it"), cancelled_by="me"), ("again", 0.0, "died", "WorkerDied")),
        # An error may ask for another attempt, itself or by the rule of an adapter.
        (result(error=Retry(4)), ("again", 4, "failed", "Retry")),
        (result(error=KeyError()), ("again", 7.0, "failed", "KeyError")),
    ],
)
def test_precedence_without_retry_rules(ended, wanted):
    assert concluded(ended) == wanted


@pytest.mark.parametrize(
    ("ended", "wanted"),
    [
        (result(error=ValueError()), ("again", 1.0, "failed", "ValueError")),
        (result(error=ValueError(), cancelled_by="me"), ("cancelled", "me")),
        (result(error=CANCELLED()), ("cancelled", "job")),
        (result(expired=True), ("again", 1.0, "timed_out", "timed_out")),
        (result(error=ValueError(), expired=True), ("again", 1.0, "timed_out", "timed_out")),
        (result(error=Retry(4)), ("again", 4, "failed", "Retry")),
        (result(error=KeyError()), ("again", 7.0, "failed", "KeyError")),
        (result(1, expired=True, cancelled_by="me"), ("cancelled", "me")),
    ],
)
def test_precedence_with_retry_rules(ended, wanted):
    assert concluded(ended, rules=RULES) == wanted


def test_an_error_that_no_rule_names_fails_at_once():
    status, error = concluded(result(error=OSError("no")), rules=RULES)
    assert (status, error.type) == ("failed", "OSError")


def test_a_value_that_cannot_be_written_fails_and_is_not_retried():
    info = ErrorInfo(type="UnwritableResult", message="no")
    assert concluded(result(object(), info=info), rules=RULES) == ("failed", info)


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ProcessDied("it"), ("exceeded", "lost", 0.0, "died")),
        (KeyError(), ("exceeded", "failed", 7.0, "failed")),
    ],
)
def test_after_the_last_attempt_there_is_no_other(error, wanted):
    assert concluded(result(error=error), MOST) == wanted


@pytest.mark.parametrize("error", [Retry(4), ValueError()])
def test_a_native_error_fails_at_the_last_attempt(error):
    assert concluded(result(error=error), MOST, rules=RULES)[0] == "failed"


def test_a_function_of_an_adapter_that_cancels_itself_asks_the_adapters_rule():
    cancelled = result(error=CANCELLED())
    assert concluded(cancelled, takes_ctx=True) == ("again", 7.0, "failed", "cancelled")


@pytest.mark.parametrize(
    ("number", "history", "wanted"),
    [
        (1, [], None),
        (3, [("died", 0), ("died", 0)], None),
        (4, [("died", 0), ("died", 0), ("died", 0)], ("lost", 3)),
        (4, [("failed", 0), ("failed", 0), ("failed", 0)], ("lost", 3)),
        # A death beside other jobs is not charged, unless it was the last thing that happened.
        (4, [("died", 2), ("failed", 0), ("failed", 0)], None),
        (4, [("failed", 0), ("failed", 0), ("died", 2)], ("lost", 3)),
    ],
)
def test_a_job_that_has_had_all_its_executions_is_lost(number, history, wanted):
    entries = tuple({"attempt": 1, "status": kind, "beside": n} for kind, n in history)
    verdict = verdicts.exhausted(Attempt("b:0", number, None, history=entries), MOST)
    found = verdict and (verdict.status, verdict.fields.get("attempts"))
    assert found == wanted


def test_a_job_whose_producer_counts_beyond_its_attempts_is_not_lost_but_fails():
    verdict = verdicts.exhausted(Attempt("j", 1, None), 0)
    assert verdict.fields["error"].type == "RetriesExceeded"


@pytest.mark.parametrize(
    ("by", "wanted"), [(None, ("timed_out", "batch", 9.0)), ("me", ("cancelled", "me"))]
)
def test_what_does_not_end_when_asked_to_is_timed_out_or_was_cancelled(by, wanted):
    verdict = verdicts.expired("batch", 9.0, by)
    assert (verdict.status, *verdict.fields.values()) == wanted


def encoded(verdict):
    attempt = Attempt("b:0", 1, None)
    verdict, raw = verdicts.encode_outcome(verdict, attempt, Times(1, 2), "w", "q")
    return verdict, decode_result(raw)


def test_a_value_is_written_once():
    for given in (Verdict("succeeded", [1], {}), Verdict("succeeded", None, {}, b"[1]")):
        verdict, outcome = encoded(given)
        assert outcome.unwrap() == [1]
        assert verdict.group is None


def test_what_did_not_succeed_has_its_group_and_no_value():
    verdict, outcome = encoded(verdicts.timed_out("batch", 9.0))
    assert verdict.group.text == "timed out: batch limit of 9 s"
    assert verdict.written is None
    assert outcome.status == "timed_out"


def test_a_value_that_cannot_be_written_fails_in_its_group():
    verdict, outcome = encoded(Verdict("succeeded", object(), {}))
    assert (verdict.status, outcome.status) == ("failed", "failed")
    assert verdict.group.text.startswith("UnwritableResult: ")
