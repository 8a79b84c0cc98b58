"""arq's counters and its log: a line for the start and a line for the end of each job."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from arq.utils import args_to_string, truncate
from arq.worker import Retry

from gatherq.contract.records import Times, Verdict
from gatherq.contract.remote_errors.attributes import is_a
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.events import (
    GraceOver,
    JobEnded,
    JobRefused,
    JobReleased,
    JobRetried,
    JobStarted,
)
from gatherq_worker.engine.job_log import end_fields, event_fields
from gatherq_worker.engine.observers import Observer
from gatherq_worker.execution.result import ExecutionResult

if TYPE_CHECKING:
    from .worker import Worker

logger = logging.getLogger("arq.worker")


class Counters(Observer):
    """Counts for arq's health key and `run_check`."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker

    def job_retried(self, event: JobRetried) -> None:
        """Count a further attempt."""
        self._worker.jobs_retried += 1

    def job_released(self, event: JobReleased) -> None:
        """Count a job that goes back to the queue."""
        self._worker.jobs_retried += 1

    def job_ended(self, event: JobEnded) -> None:
        """Count an outcome, as complete or failed."""
        if event.verdict.status == "succeeded":
            self._worker.jobs_complete += 1
        else:
            self._worker.jobs_failed += 1


class ArqLog(Observer):
    """Logs each job in arq's words, to arq's logger."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker

    def job_started(self, event: JobStarted) -> None:
        """Log the job, its arguments, and how long it waited."""
        attempt, now, job = event.attempt, event.now, event.attempt.job
        if job is None or not logger.isEnabledFor(logging.INFO):
            return
        extra = f" try={attempt.job_try}" if attempt.job_try > 1 else ""
        if now - attempt.score > 1200:
            extra += f" delayed={(now - attempt.score) / 1000:0.2f}s"
        arguments = _safe(lambda: args_to_string(job.args, job.kwargs))
        waited = (now - job.enqueued) / 1000
        fields = event_fields("job.started", attempt)
        logger.info("%6.2fs → %s(%s)%s", waited, self._ref(attempt), arguments, extra, extra=fields)

    def job_retried(self, event: JobRetried) -> None:
        """Log a further attempt."""
        took, ref = _took(event.times), self._ref(event.attempt)
        fields = event_fields("job.retrying", event.attempt)
        if is_a(event.error, Retry):
            text = "%6.2fs ↻ %s retrying job in %0.2fs"
            logger.info(text, took, ref, event.delay, extra=fields)
        else:
            logger.info("%6.2fs ↻ %s cancelled, will be run again", took, ref, extra=fields)

    def grace_over(self, event: GraceOver) -> None:
        """Log that the grace of a stop is over, with so many jobs still running."""
        if self._worker.stopped_by is not None:
            self._worker.log_shutdown(", wait complete", event.running, "ongoing to cancel")

    def job_released(self, event: JobReleased) -> None:
        """Log a job that goes back to the queue."""
        fields = event_fields("job.released", event.attempt)
        logger.info("↻ %s cancelled, will be run again", self._ref(event.attempt), extra=fields)

    def job_refused(self, event: JobRefused) -> None:
        """Log why the job cannot be run."""
        attempt, error = event.attempt, event.error
        fields = event_fields("job.refused", attempt)
        if attempt.job:
            what = " not found" if isinstance(error, LookupError) else ""
            text = "job %s, function %r%s: %s"
            logger.warning(text, attempt.job_id, attempt.name, what, error, extra=fields)
        elif not attempt.size:
            logger.warning("job %s expired", attempt.job_id, extra=fields)
        else:
            text = "deserializing job %s failed: %s"
            logger.warning(text, attempt.job_id, error, extra=fields)

    def job_ended(self, event: JobEnded) -> None:
        """Log the outcome."""
        attempt, verdict, times = event.attempt, event.verdict, event.times
        if verdict.status == "succeeded" and not logger.isEnabledFor(logging.INFO):
            return
        took, ref = _took(times), self._ref(attempt)
        waited = (times.finished - attempt.job.enqueued) / 1000 if attempt.job else 0.0
        fields = end_fields(attempt, verdict)
        match verdict.status:
            case "succeeded":
                shown = self._shown(attempt, verdict)
                logger.info("%6.2fs ← %s ● %s", took, ref, shown, extra=fields)
            case "cancelled" if verdict.fields["by"] == "producer":
                if times.started is None:
                    text, job_id = "%6.2fs ⊘ %s:%s aborted before start", attempt.job_id
                    logger.info(text, waited, job_id, attempt.name, extra=fields)
                else:
                    logger.info("%6.2fs ⊘ %s aborted", took, ref, extra=fields)
            case "failed" if verdict.fields["error"].type == "RetriesExceeded":
                function = self._worker.functions[attempt.name]
                most = function.max_tries or self._worker.max_tries
                text = "%6.2fs ! %s max retries %d exceeded"
                logger.warning(text, waited, ref, most, extra=fields)
            case "failed" if times.started is not None and attempt.raised is not None:
                self._failure(took, ref, attempt, verdict)
            case "failed" if times.started is None:
                pass  # `job_refused` has logged it
            case "timed_out":
                text, why = "%6.2fs ! %s failed, TimeoutError: %s", verdict.result
                logger.error(text, took, ref, why, extra=fields)
            case status:
                text, why = "%6.2fs ! %s failed, %s: %s", verdict.result
                logger.error(text, took, ref, status, why, extra=fields)

    def look(self, result: ExecutionResult, attempt: Attempt) -> None:
        """Keep the `repr` of a value, or the `extra` of an error, for `job_ended` to log."""
        if result.error is None:
            if result.value is not None and self._worker.log_results:
                attempt.shown = _safe(lambda: truncate(repr(result.value)))
        else:
            extra = getattr(result.error, "extra", None)
            attempt.shown = _safe(extra) if callable(extra) else extra

    def _failure(self, took: float, ref: str, attempt: Attempt, verdict: Verdict) -> None:
        info = verdict.fields["error"]
        fields = {**end_fields(attempt, verdict), "traceback": info.traceback}
        logger.error(
            "%6.2fs ! %s failed, %s: %s",
            took,
            ref,
            info.type.rpartition(".")[2],
            info.message,
            exc_info=attempt.raised,
            extra={**fields, "extra": attempt.shown},
        )

    def _shown(self, attempt: Attempt, verdict: Verdict) -> str:
        if attempt.shown is None and verdict.result is not None and self._worker.log_results:
            return truncate((verdict.written or b"")[:200].decode("utf-8", "replace"))
        return attempt.shown or ""

    def _ref(self, attempt: Attempt) -> str:
        is_cron = hasattr(self._worker.functions.get(attempt.name), "next_run")
        return attempt.name if is_cron else f"{attempt.job_id}:{attempt.name}"


def _took(times: Times) -> float:
    return 0.0 if times.started is None else (times.finished - times.started) / 1000


def _safe(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as failure:  # a raising __repr__, __str__ or extra()
        return f"<unprintable: {type(failure).__name__}>"
