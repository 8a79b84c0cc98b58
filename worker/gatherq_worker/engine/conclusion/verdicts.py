"""What becomes of an attempt: an outcome, or another attempt. Pure: knows nothing of Redis.

All precedence is here. `conclude` decides after an execution, `exhausted` before one, and `verdict`
where there is no other attempt: for what was cut short, expired, or waited too long.
"""

import asyncio
from dataclasses import dataclass
from typing import Literal

from gatherq.contract import records
from gatherq.contract.records import Times, Verdict
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import describe
from gatherq.contract.remote_errors.error_groups import group_of
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.result import ExecutionResult, ProcessDied, Unwritable, write_value
from gatherq_worker.registry import Handler

from .retry_policy import Asks, delay_after, has_had_all


@dataclass(frozen=True, slots=True)
class RunAgain:
    """The job runs again, `delay` seconds from now; its history keeps how this attempt ended."""

    delay: float
    status: Literal["failed", "timed_out", "died"]
    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class OutOfAttempts:
    """The job would run again, but has had all its attempts: `verdict` is its outcome."""

    verdict: Verdict
    again: RunAgain


def conclude(
    result: ExecutionResult, attempt: Attempt, handler: Handler, max_attempts: int, asks: Asks
) -> Verdict | RunAgain | OutOfAttempts:
    """Decide after an execution of a job that may have `max_attempts`; `asks` is an adapter's rule.

    A value is an outcome at once. The death of the job's process is followed by another attempt as
    long as there is one. Then come, of errors and timeouts: a delay that the error itself asks for,
    the retry rules of the handler, and at last the outcome.
    """
    if result.error is None and not result.expired:  # the common case
        return verdict(result)
    if is_a(result.error, ProcessDied) and not result.expired:
        died = RunAgain(0.0, "died", ErrorInfo(type="WorkerDied", message=str(result.error)))
        number = attempt.number
        return died if number < max_attempts else OutOfAttempts(lost(number), died)
    asked = _asked(result, handler, asks)
    delay = delay_after(
        result, attempt, max_attempts, handler.definition.rules, lambda error: asked
    )
    if delay is not None:
        return _again(result, delay)
    if asked is not None:
        return OutOfAttempts(retries_exceeded(max_attempts), _again(result, asked))
    return verdict(result)


def exhausted(attempt: Attempt, max_attempts: int) -> Verdict | None:
    """Return the outcome of a claimed job that has had all its attempts; None if it has not."""
    if not has_had_all(attempt, max_attempts):
        return None
    died = attempt.number - 1
    return lost(died) if died else retries_exceeded(max_attempts)


def verdict(result: ExecutionResult) -> Verdict:
    """Make the outcome of an execution.

    A request wins over a deadline, and both win over whatever the code made of its cancellation. A
    request after the deadline is not taken, so one that was taken came first.
    """
    if result.cancelled_by:
        return cancelled(result.cancelled_by)
    if result.expired:
        return timed_out(result.which, result.limit or 0.0)
    error, info = result.error, result.info
    if info is None and error is None:
        return Verdict("succeeded", result.value, {}, result.written, result.record)
    if is_a(error, asyncio.CancelledError):
        return cancelled("job")
    if info is None:  # a fault of ours
        assert error is not None
        info = describe(error)
    return _failed(info)._replace(record=result.record)


def expired(which: str, limit: float | None, by: str | None = None) -> Verdict:
    """Make the outcome of an attempt without a result: its limit (s) is over, or `by` cancelled it.

    For those that do not end when asked to, that waited too long for a place, or died with their
    process after the limit.
    """
    return verdict(ExecutionResult(expired=True, which=which, limit=limit, cancelled_by=by))


def cancelled(by: str) -> Verdict:
    """Make the outcome of a job that `by` cancelled."""
    return Verdict("cancelled", f"cancelled by: {by}", {"by": by})


def timed_out(which: str, limit: float) -> Verdict:
    """Make the outcome of a missed deadline; its limit is in seconds."""
    text = f"timed out: {which} limit of {limit:g} s"
    return Verdict("timed_out", text, {"which": which, "limit": limit})


def retries_exceeded(max_attempts: int) -> Verdict:
    """Make the outcome of a job that asked for more attempts than it has."""
    return failed("RetriesExceeded", f"max {max_attempts} retries exceeded")


def lost(attempts: int) -> Verdict:
    """Make the outcome of a job whose last attempt took its worker process down."""
    text = f"lost: after {attempts} attempts, the last of which took its worker down"
    return Verdict("lost", text, {"attempts": attempts})


def failed(kind: str, message: str) -> Verdict:
    """Make the failure of a job for a reason that is not its own code."""
    return _failed(ErrorInfo(type=kind, message=message[:2000]))


def encode_outcome(
    verdict: Verdict, attempt: Attempt, times: Times, worker: str, queue: str
) -> tuple[Verdict, bytes]:
    """Write the result as JSON; a value that cannot be written makes it a failure."""
    if verdict.status == "succeeded" and verdict.written is None:
        try:
            verdict = verdict._replace(written=write_value(verdict.result))
        except Unwritable as failure:
            verdict = _failed(failure.info)
    if verdict.status != "succeeded":
        group = group_of(verdict.status, verdict.fields, attempt.history)
        verdict = verdict._replace(group=group)
    return verdict, records.encode_result(
        verdict,
        job_id=attempt.job_id,
        attempt=attempt.number,
        worker=worker,
        job=attempt.job,
        call=attempt.call,
        batch=attempt.batch,
        slot=attempt.slot,
        times=times,
        queue=queue,
        history=attempt.history,
    )


def _asked(result: ExecutionResult, handler: Handler, asks: Asks) -> float | None:
    """Return the delay (s) that an adapter's rule reads in the error; None for no other attempt."""
    if result.error is None or result.expired or result.cancelled_by:
        return None
    if is_a(result.error, asyncio.CancelledError) and not handler.takes_ctx:
        return None  # arq runs a function that cancels itself again; a job is then cancelled
    return asks(result.error)


def _again(result: ExecutionResult, delay: float) -> RunAgain:
    outcome = verdict(result)
    error = outcome.fields.get("error")
    if error is None:
        error = ErrorInfo(type=outcome.status, message=str(outcome.result))
    return RunAgain(delay, "timed_out" if result.expired else "failed", error)


def _failed(error: ErrorInfo) -> Verdict:
    return Verdict("failed", str(error)[:200], {"error": error})
