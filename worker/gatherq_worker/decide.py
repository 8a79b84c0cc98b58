"""What became of an attempt: pure, knows nothing of Redis."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gatherq import wire
from gatherq.limits import MAX_PAYLOAD
from gatherq.outcomes import AnyOutcome, Cancelled, Failed, Lost, Succeeded, TimedOut
from gatherq.remote import ErrorInfo

from .attempt import Attempt
from .describe import describe


@dataclass(slots=True)
class Ending:
    """How an execution ended: with `value`, or with `error`; `expired` if its limit was reached."""

    value: Any = None
    error: BaseException | None = None
    expired: bool = False
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of Redis's clock."""

    started: int | None
    finished: int


def outcome_of(ending: Ending, attempt: Attempt, times: Times, worker: str) -> AnyOutcome:
    """Decide. The deadline wins over whatever the code made of its cancellation."""
    who = identity(attempt, times, worker)
    if ending.expired:
        return TimedOut(which="execution", limit=ending.limit or 0.0, **who)
    match ending.error:
        case None:
            return Succeeded(value=ending.value, **who)
        case asyncio.CancelledError():
            return Cancelled(by="job", **who)
        case error:
            return Failed(error=describe(error), **who)


def lost(attempt: Attempt, now: int, worker: str) -> Lost:
    """Give up a job whose worker died in every attempt it had."""
    return Lost(attempts=attempt.number - 1, **identity(attempt, Times(None, now), worker))


def failed(kind: str, message: str, attempt: Attempt, times: Times, worker: str) -> Failed:
    """Fail a job for a reason of ours."""
    return Failed(error=ErrorInfo(type=kind, message=message), **identity(attempt, times, worker))


def written(
    outcome: AnyOutcome, attempt: Attempt, times: Times, queue: str
) -> tuple[AnyOutcome, bytes]:
    """Write the outcome; one that cannot be written, or is too large, becomes a failure."""
    echo = attempt.size <= wire.ECHOED_ARGUMENTS
    try:
        record = wire.encode_result(outcome, attempt.job, queue, echo)
    except Exception as error:
        kind, message = "UnwritableResult", f"the result cannot be written as JSON: {error}"
    else:
        if len(record) <= MAX_PAYLOAD:
            return outcome, record
        kind = "ResultTooLarge"
        message = (
            f"the result is {len(record):,} bytes of JSON, the limit is {MAX_PAYLOAD:,}; "
            "store the data elsewhere and return its name"
        )
    outcome = failed(kind, message[:2000], attempt, times, outcome.worker)
    return outcome, wire.encode_result(outcome, attempt.job, queue, echo)


def identity(attempt: Attempt, times: Times, worker: str) -> dict[str, Any]:
    """Return what every outcome knows."""
    return {
        "job_id": attempt.job_id,
        "slot": attempt.job.slot if attempt.job else 0,
        "name": attempt.name,
        "attempt": attempt.number,
        "worker": worker,
        "enqueued": attempt.job.enqueued if attempt.job else times.finished,
        "started": times.started,
        "finished": times.finished,
    }
