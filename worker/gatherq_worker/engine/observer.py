"""What is told of single jobs as they go by: here, what the log of a worker says."""

import logging

from gatherq.contract.records import Times, Verdict
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.result import ResultWriter

logger = logging.getLogger("gatherq.worker")


class JobObserver:
    """Hears of every execution; what it raises would be a fault of ours."""

    #: Looks at what an execution left while the job's code may run, if there is anything to see.
    look: ResultWriter | None = None

    def started(self, attempt: Attempt, now: int) -> None:
        """Hear that an execution begins, at `now` (ms)."""

    def retrying(self, attempt: Attempt, error: BaseException, delay: float, times: Times) -> None:
        """Hear that it asks to be run again in `delay` seconds."""

    def waited(self, running: int) -> None:
        """Hear that the worker stops and waits no longer for what is `running`."""

    def released(self, attempt: Attempt) -> None:
        """Hear that it is given back to the queue, for the worker stops."""
        logger.info("job %s (%s) is released", attempt.job_id, attempt.name)

    def refused(self, attempt: Attempt, error: BaseException) -> None:
        """Hear why it cannot be run; `ended` follows."""

    def ended(self, attempt: Attempt, verdict: Verdict, times: Times) -> None:
        """Hear what became of it."""
        tell(attempt, verdict)


def tell(attempt: Attempt, verdict: Verdict) -> None:
    """Log the end of what did not succeed."""
    if verdict.status == "succeeded":
        return
    level = logging.DEBUG if verdict.status == "cancelled" else logging.WARNING
    if logger.isEnabledFor(level):
        what = verdict.status.replace("_", " ")
        why = str(verdict.result).removeprefix(f"{what}: ")
        text = "job %s (%s) %s at attempt %d: %s"
        logger.log(level, text, attempt.job_id, attempt.name, what, attempt.number, why)
