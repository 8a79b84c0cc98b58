"""Whether an attempt is followed by another, and when."""

import asyncio

import pytest

from gatherq import Retry
from gatherq.contract.job_definition import RetryRules
from gatherq.contract.records import JobRecord
from gatherq.contract.remote_errors.capture import DescribedError
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion.retry_policy import delay_after, has_had_all
from gatherq_worker.execution.result import ExecutionResult

RULES = RetryRules(3, (ValueError,), timeouts=False, backoff=1.0, jitter=0.0)


def attempt(number, *history, job=None):
    entries = tuple({"attempt": 1, "status": kind, "beside": n} for kind, n in history)
    return Attempt("b:0", number, job, history=entries)


def delay(ending, number=1, history=(), rules=RULES, most=4):
    return delay_after(ending, attempt(number, *history), most, rules, lambda error: None)


FAILED = ("failed", 0)


@pytest.mark.parametrize(("failures", "wanted"), [(0, 1), (1, 2), (2, 4), (3, None)])
def test_the_delay_doubles_until_the_retries_are_used(failures, wanted):
    ending = ExecutionResult(error=ValueError())
    assert delay(ending, failures + 1, [FAILED] * failures, most=9) == wanted


def test_only_what_the_rules_name_is_run_again():
    assert delay(ExecutionResult(value=1)) is None
    assert delay(ExecutionResult(error=KeyError())) is None
    assert delay(ExecutionResult(error=asyncio.CancelledError())) is None
    assert delay(ExecutionResult(error=ValueError(), cancelled_by="producer")) is None
    every = RetryRules(3, (BaseException,), timeouts=True)
    assert delay(ExecutionResult(error=asyncio.CancelledError()), rules=every) is None
    assert delay(ExecutionResult(error=ValueError(), expired=True)) is None
    assert delay(ExecutionResult(expired=True), rules=RetryRules(1, timeouts=True, jitter=0)) == 1


def test_a_job_may_ask_up_to_its_attempts():
    ending = ExecutionResult(error=Retry(7))
    assert delay(ending, 3) == 7
    assert delay(ending, 4) is None


def test_an_error_of_another_process_tells_what_it_asks_for():
    info = ErrorInfo(type="Boom", message="")
    assert delay(ExecutionResult(error=DescribedError(info, delay=7.0))) == 7
    assert delay(ExecutionResult(error=DescribedError(info, matches=True))) == 1
    assert delay(ExecutionResult(error=DescribedError(info))) is None


def test_only_what_counts_against_the_rules_makes_the_delay_longer():
    ending = ExecutionResult(error=ValueError())
    assert delay(ending, 3, [("died", 0), ("timed_out", 0)], most=9) == 2
    redriven = JobRecord(f="f", a=[], k={}, et=1, base=1)
    again = attempt(2, FAILED, job=redriven)  # what failed before the redrive
    assert delay_after(ending, again, 9, RULES, lambda error: None) == 1


def test_a_death_beside_others_is_not_charged_to_a_job_that_goes_on():
    ending = ExecutionResult(error=Retry(7))
    assert delay(ending, 4, [("died", 3), FAILED, FAILED]) == 7
    assert delay(ending, 4, [("died", 0), FAILED, FAILED]) is None
    assert not has_had_all(attempt(5, ("died", 3), FAILED, FAILED, FAILED), 4)
    assert has_had_all(attempt(3, ("died", 3), ("died", 0)), 2)
