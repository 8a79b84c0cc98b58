"""Whether an attempt is followed by another, and when. Pure: knows nothing of Redis."""

import asyncio
import random
from collections.abc import Callable

from gatherq.contract.job_definition import RetryRules
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import DescribedError
from gatherq.errors import Retry
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.result import ExecutionResult

#: Longest delay that back-off makes, in seconds.
_LONGEST = 3600.0

#: Asked of an exception: the seconds after which it wants the job to run again, or None.
Asks = Callable[[BaseException], float | None]


def has_had_all(attempt: Attempt, max_attempts: int) -> bool:
    """Tell whether a claimed job has had all its attempts before this one."""
    if attempt.history and attempt.history[-1]["status"] == "died":
        return attempt.job_try > max_attempts
    return attempt.job_try - shared(attempt) > max_attempts


def shared(attempt: Attempt) -> int:
    """Count the deaths of a worker process that ran other jobs too: they are not charged.

    A job that runs again and ends by itself did not cause them.
    """
    return sum(bool(entry.get("beside")) for entry in attempt.history)


def delay_after(
    result: ExecutionResult, attempt: Attempt, max_attempts: int, rules: RetryRules, asks: Asks
) -> float | None:
    """Return the seconds after which the job runs again; None if it does not.

    The delay that an error asks for wins over the back-off of the rules.
    """
    if result.error is None and not result.expired:
        return None  # the common case
    if result.cancelled_by or attempt.job_try - shared(attempt) >= max_attempts:
        return None
    if not result.expired and result.error is not None:
        error = result.error
        if is_a(error, Retry) or is_a(error, DescribedError):
            delay: float | None = error.delay
        else:
            delay = asks(error)
        if delay is not None:
            return delay
    if is_a(result.error, asyncio.CancelledError):
        return None
    base = attempt.job.base if attempt.job else 0
    failures = sum(
        entry["status"] in ("failed", "timed_out") and entry["attempt"] > base
        for entry in attempt.history
    )
    if failures >= rules.retries or not _applies(result, rules):
        return None
    longest: float = min(rules.backoff * 2.0 ** min(failures, 60), _LONGEST)
    return longest * (1 - rules.jitter * random.random())


def _applies(result: ExecutionResult, rules: RetryRules) -> bool:
    if result.expired:
        return rules.timeouts
    if is_a(result.error, DescribedError):
        return result.error.matches
    return is_a(result.error, rules.retry_on)
