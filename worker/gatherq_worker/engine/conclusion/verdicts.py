"""What became of an attempt: pure, knows nothing of Redis."""

import asyncio

from gatherq.contract import records
from gatherq.contract.records import Times, Verdict
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import describe
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.result import ExecutionResult, Unwritable, write_value


def verdict(ending: ExecutionResult) -> Verdict:
    """Decide. A deadline or a request wins over whatever the code made of its cancellation.

    A request after the deadline is not taken, so one that was taken came first.
    """
    if ending.cancelled_by:
        return cancelled(ending.cancelled_by)
    if ending.expired:
        return timed_out(ending.which, ending.limit or 0.0)
    error, info = ending.error, ending.info
    if info is None and error is None:
        return Verdict("succeeded", ending.value, {}, ending.written, ending.record)
    if is_a(error, asyncio.CancelledError):
        return cancelled("job")
    if info is None:  # a fault of ours
        info = describe(LookupError("no error") if error is None else error)
    return _failed(info)._replace(record=ending.record)


def cancelled(by: str) -> Verdict:
    """Say who cancelled the job."""
    return Verdict("cancelled", f"cancelled by: {by}", {"by": by})


def timed_out(which: str, limit: float) -> Verdict:
    """Say which deadline was missed; its limit is in seconds."""
    text = f"timed out: {which} limit of {limit:g} s"
    return Verdict("timed_out", text, {"which": which, "limit": limit})


def retries_exceeded(most: int) -> Verdict:
    """Give up a job that asks to be run again and again."""
    return failed("RetriesExceeded", f"max {most} retries exceeded")


def lost(attempts: int) -> Verdict:
    """Give up a job whose worker died in the last attempt that it had."""
    text = f"lost: after {attempts} attempts, the last of which took its worker down"
    return Verdict("lost", text, {"attempts": attempts})


def info(verdict: Verdict) -> ErrorInfo:
    """Say in the form of an error what has no error of its own."""
    return ErrorInfo(type=verdict.status, message=str(verdict.result))


def failed(kind: str, message: str) -> Verdict:
    """Fail a job for a reason of ours."""
    return _failed(ErrorInfo(type=kind, message=message[:2000]))


def written(
    verdict: Verdict, attempt: Attempt, times: Times, worker: str, queue: str
) -> tuple[Verdict, bytes]:
    """Write the result; one whose value cannot be written becomes a failure."""
    if verdict.status == "succeeded" and verdict.written is None:
        try:
            verdict = verdict._replace(written=write_value(verdict.result))
        except Unwritable as failure:
            verdict = _failed(failure.info)
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


def _failed(error: ErrorInfo) -> Verdict:
    return Verdict("failed", str(error)[:200], {"error": error})
