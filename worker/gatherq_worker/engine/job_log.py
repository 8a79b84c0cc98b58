"""The worker's own log of jobs: of those that do not succeed, run again, or are given back."""

import logging
from typing import Any

from gatherq.contract.records import Times, Verdict
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.remote_errors.source_frames import last_own_frame
from gatherq_worker.attempt import Attempt
from gatherq_worker.call_text import call_text

from .events import JobDied, JobEnded, JobReleased, JobRetried
from .observers import Observer

logger = logging.getLogger("gatherq.worker")

#: Most characters of what went wrong, and most bytes of a result.
_WHY, _RESULT = 300, 80


class JobLog(Observer):
    """Logs further attempts and releases at INFO, cancellations at DEBUG, other ends as WARNING.

    With `every`, successes and cancellations at INFO as well, and the tracebacks of failures.
    """

    def __init__(self, *, every: bool = False) -> None:
        self._every = every

    def job_released(self, event: JobReleased) -> None:
        """Log that the job runs again elsewhere."""
        what = event_fields("job.released", event.attempt)
        logger.info("job %s goes back to the queue", _job(event.attempt), extra=what)

    def job_retried(self, event: JobRetried) -> None:
        """Log a failure that is followed by another attempt."""
        if event.granted and logger.isEnabledFor(logging.INFO):
            attempt, _, delay, _, info, _ = event
            late = info.type == "timed_out"
            what, why = ("timed out", _limit(info.message)) if late else ("failed", _why(info))
            text = "job %s %s at attempt %d: %s; runs again in %.1f s"
            fields = event_fields("job.retrying", attempt)
            logger.info(text, _job(attempt), what, attempt.number, why, delay, extra=fields)

    def job_died(self, event: JobDied) -> None:
        """Log the death of a job's process that is followed by another attempt."""
        text = "job %s took its process down at attempt %d: %s; runs again"
        attempt, fields = event.attempt, event_fields("job.retrying", event.attempt)
        logger.warning(text, _job(attempt), attempt.number, event.how, extra=fields)

    def job_ended(self, event: JobEnded) -> None:
        """Log the end of a job that did not succeed, or of each."""
        attempt, verdict, times = event
        if verdict.status != "succeeded":
            log_end(attempt, verdict, every=self._every)
        elif self._every and logger.isEnabledFor(logging.INFO):
            text, fields = "job %s succeeded in %.2f s%s", end_fields(attempt, verdict)
            logger.info(text, _job(attempt), _seconds(times), _result(verdict), extra=fields)


def log_end(attempt: Attempt, verdict: Verdict, *, every: bool = False) -> None:
    """Log the end of a job that did not succeed; with `every`, as the log of every job has it."""
    level = logging.WARNING
    if verdict.status == "cancelled":
        level = logging.INFO if every else logging.DEBUG
    if logger.isEnabledFor(level):
        what, info = verdict.status.replace("_", " "), verdict.fields.get("error")
        why = _deaths(attempt, verdict) if info is None else _why(info)
        fields, raised = end_fields(attempt, verdict), None
        if every and info is not None and attempt.raised is not None:
            fields["traceback"], raised = info.traceback, attempt.raised
        text, number = "job %s %s at attempt %d: %s", attempt.number
        logger.log(level, text, _job(attempt), what, number, why, exc_info=raised, extra=fields)


def event_fields(event: str, attempt: Attempt) -> dict[str, Any]:
    """Return what a line on a job's event has as fields: the event, and the job that it is of."""
    batch = {} if attempt.batch is None else {"batch": attempt.batch, "slot": attempt.slot}
    job = {"job_id": attempt.job_id, **batch, "job": attempt.name, "attempt": attempt.number}
    return {"event": event, **job}


def end_fields(attempt: Attempt, verdict: Verdict) -> dict[str, Any]:
    """Return those of a line on the end of a job."""
    return {**event_fields("job.ended", attempt), "status": verdict.status}


def _job(attempt: Attempt) -> str:
    return f"{attempt.job_id} {call_text(attempt)}"


def _why(info: ErrorInfo) -> str:
    """Say what an error is, and where in the user's code it was raised."""
    said = str(info)
    said = said if len(said) <= _WHY else f"{said[:_WHY]}..."
    where = last_own_frame(info.traceback.rstrip().removesuffix(info.message))
    return f"{said} ({where})" if where else said


def _deaths(attempt: Attempt, verdict: Verdict) -> str:
    """Say why a job that raised nothing did not succeed."""
    why = _limit(str(verdict.result)).removeprefix("lost: ")
    why = why.replace("cancelled by: ", "by ", 1)
    deaths = [entry["error"] for entry in attempt.history if entry.get("status") == "died"]
    how = deaths[-1].get("message") if verdict.status == "lost" and deaths else None
    return f"{why} ({how})" if how else why


def _limit(text: str) -> str:
    return text.removeprefix("timed out: ")


def _result(verdict: Verdict) -> str:
    written = verdict.written
    if written is None or written == b"null":
        return ""
    dots = "..." if len(written) > _RESULT else ""
    return f": {written[:_RESULT].decode('utf-8', 'replace')}{dots}"


def _seconds(times: Times) -> float:
    return 0.0 if times.started is None else (times.finished - times.started) / 1000
