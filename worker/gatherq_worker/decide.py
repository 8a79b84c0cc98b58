"""What became of an attempt: pure, knows nothing of Redis."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gatherq import wire
from gatherq.limits import MAX_PAYLOAD
from gatherq.remote import ErrorInfo
from gatherq.wire import Times, Verdict

from .attempt import Attempt
from .describe import Described, describe, say


@dataclass(slots=True)
class Ending:
    """How an execution ended: with `value`, or with `error`; `expired` if its limit was reached."""

    value: Any = None
    error: BaseException | None = None
    expired: bool = False
    limit: float | None = None
    #: Whose limit that is: execution or batch.
    which: str = "execution"
    #: Who asked for the cancellation that ended it, if it was asked for.
    cancelled_by: str | None = None


def verdict(ending: Ending) -> Verdict:
    """Decide. A deadline or a request wins over whatever the code made of its cancellation.

    A request after the deadline is not taken, so one that was taken came first.
    """
    if ending.cancelled_by:
        return cancelled(ending.cancelled_by)
    if ending.expired:
        return timed_out(ending.which, ending.limit or 0.0)
    match ending.error:
        case None:
            return Verdict("succeeded", ending.value)
        case Described(info):
            return _failed(info)
        case asyncio.CancelledError():
            return cancelled("job")
        case error:
            return _failed(describe(error))


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
    """Write the result; one that cannot be written, or is too large, becomes a failure."""
    try:
        payload = _encode_safely(verdict, attempt, times, worker, queue)
    except BaseException as error:  # whatever the value's own code raises
        kind, message = "UnwritableResult", f"the result cannot be written as JSON: {say(error)}"
    else:
        if len(payload) <= MAX_PAYLOAD:
            return verdict, payload
        kind = "ResultTooLarge"
        message = (
            f"the result is {len(payload):,} bytes of JSON, the limit is {MAX_PAYLOAD:,}; "
            "store the data elsewhere and return its name"
        )
    verdict = failed(kind, message)
    return verdict, _encode(verdict, attempt, times, worker, queue, echo=False)


def _failed(error: ErrorInfo) -> Verdict:
    return Verdict("failed", str(error)[:200], {"error": error})


def _encode_safely(
    verdict: Verdict, attempt: Attempt, times: Times, worker: str, queue: str
) -> bytes:
    try:
        return _encode(verdict, attempt, times, worker, queue)
    except Exception:  # the job may have put into its arguments what cannot be written
        return _encode(verdict, attempt, times, worker, queue, echo=False)


def _encode(
    verdict: Verdict, attempt: Attempt, times: Times, worker: str, queue: str, echo: bool = True
) -> bytes:
    return wire.encode_result(
        verdict,
        job_id=attempt.job_id,
        attempt=attempt.number,
        worker=worker,
        job=attempt.job,
        batch=attempt.batch,
        slot=attempt.slot,
        times=times,
        queue=queue,
        echo=echo and attempt.size <= wire.ECHOED_ARGUMENTS,
        history=attempt.history,
    )
