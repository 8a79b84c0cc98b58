"""Whether an attempt is followed by another, and when: pure, knows nothing of Redis."""

import asyncio
import random
from collections.abc import Callable

from gatherq.contract.job_definition import RetryRules
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import Described
from gatherq.errors import Retry
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.result import ExecutionResult

#: Longest delay that back-off makes, in seconds.
_LONGEST = 3600.0

Asked = Callable[[BaseException], float | None]


def exhausted(attempt: Attempt, most: int) -> bool:
    """Tell whether a claimed job has had all its executions. It was lost if so."""
    if attempt.history and attempt.history[-1]["status"] == "died":
        return attempt.job_try > most
    return attempt.job_try - shared(attempt) > most


def shared(attempt: Attempt) -> int:
    """Count its deaths beside other jobs: one that then ends by itself did not cause them."""
    return sum(bool(entry.get("beside")) for entry in attempt.history)


def delay_after(
    ending: ExecutionResult, attempt: Attempt, most: int, rules: RetryRules, asked: Asked
) -> float | None:
    """Return the seconds after which to run the job again, or None for no more."""
    if ending.error is None and not ending.expired:
        return None  # the common case
    if ending.cancelled_by or attempt.job_try - shared(attempt) >= most:
        return None
    if not ending.expired and ending.error is not None:
        error = ending.error
        if is_a(error, Retry) or is_a(error, Described):
            delay: float | None = error.delay
        else:
            delay = asked(error)
        if delay is not None:
            return delay
    if ending.error is not None and is_a(ending.error, asyncio.CancelledError):
        return None
    base = attempt.job.base if attempt.job else 0
    failures = sum(
        entry["status"] in ("failed", "timed_out") and entry["attempt"] > base
        for entry in attempt.history
    )
    if failures >= rules.retries or not _applies(ending, rules):
        return None
    longest: float = min(rules.backoff * 2.0 ** min(failures, 60), _LONGEST)
    return longest * (1 - rules.jitter * random.random())


def _applies(ending: ExecutionResult, rules: RetryRules) -> bool:
    if ending.expired:
        return rules.timeouts
    if is_a(ending.error, Described):
        return ending.error.matches
    return is_a(ending.error, rules.retry_on)
