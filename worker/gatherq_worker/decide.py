"""What became of an attempt: pure, knows nothing of Redis."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gatherq import wire
from gatherq.limits import MAX_PAYLOAD
from gatherq.remote import ErrorInfo
from gatherq.wire import Times, Verdict

from .attempt import Attempt
from .describe import describe


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
    """Decide. A deadline or a request wins over whatever the code made of its cancellation."""
    if ending.expired:
        return timed_out(ending.which, ending.limit or 0.0)
    if ending.cancelled_by:
        return cancelled(ending.cancelled_by)
    match ending.error:
        case None:
            return Verdict("succeeded", ending.value)
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
    """Give up a job whose worker died in every attempt it had."""
    text = f"lost: its worker died in each of {attempts} attempts"
    return Verdict("lost", text, {"attempts": attempts})


def failed(kind: str, message: str) -> Verdict:
    """Fail a job for a reason of ours."""
    return _failed(ErrorInfo(type=kind, message=message[:2000]))


def written(
    verdict: Verdict, attempt: Attempt, times: Times, worker: str, queue: str
) -> tuple[Verdict, bytes]:
    """Write the result; one that cannot be written, or is too large, becomes a failure."""
    try:
        payload = _encode(verdict, attempt, times, worker, queue)
    except Exception as error:
        kind, message = "UnwritableResult", f"the result cannot be written as JSON: {error}"
    else:
        if len(payload) <= MAX_PAYLOAD:
            return verdict, payload
        kind = "ResultTooLarge"
        message = (
            f"the result is {len(payload):,} bytes of JSON, the limit is {MAX_PAYLOAD:,}; "
            "store the data elsewhere and return its name"
        )
    verdict = failed(kind, message)
    return verdict, _encode(verdict, attempt, times, worker, queue)


def _failed(error: ErrorInfo) -> Verdict:
    return Verdict("failed", str(error)[:200], {"error": error})


def _encode(verdict: Verdict, attempt: Attempt, times: Times, worker: str, queue: str) -> bytes:
    return wire.encode_result(
        verdict,
        job_id=attempt.job_id,
        attempt=attempt.number,
        worker=worker,
        job=attempt.job,
        times=times,
        queue=queue,
        echo=attempt.size <= wire.ECHOED_ARGUMENTS,
    )
