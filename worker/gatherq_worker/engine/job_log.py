"""The worker's own log of jobs: those that do not succeed, and those that it gives back."""

import logging

from gatherq.contract.records import Verdict
from gatherq_worker.attempt import Attempt

from .events import JobEnded, JobReleased
from .observers import Observer

logger = logging.getLogger("gatherq.worker")


class JobLog(Observer):
    """Logs releases at INFO, cancellations at DEBUG, and all other failures at WARNING."""

    def job_released(self, event: JobReleased) -> None:
        """Log that the job runs again elsewhere."""
        logger.info("job %s (%s) is released", event.attempt.job_id, event.attempt.name)

    def job_ended(self, event: JobEnded) -> None:
        """Log the end of a job that did not succeed."""
        if event.verdict.status != "succeeded":
            log_end(event.attempt, event.verdict)


def log_end(attempt: Attempt, verdict: Verdict) -> None:
    """Log the end of a job that did not succeed."""
    level = logging.DEBUG if verdict.status == "cancelled" else logging.WARNING
    if logger.isEnabledFor(level):
        what = verdict.status.replace("_", " ")
        why = str(verdict.result).removeprefix(f"{what}: ")
        text = "job %s (%s) %s at attempt %d: %s"
        logger.log(level, text, attempt.job_id, attempt.name, what, attempt.number, why)
