"""What is told of single jobs as they go by: here, what the log of a worker says."""

import logging

from gatherq.wire import Times, Verdict

from .attempt import Attempt

logger = logging.getLogger("gatherq.worker")


class Watch:
    """Hears of every execution; what it raises would be a fault of ours."""

    def started(self, attempt: Attempt, now: int) -> None:
        """Hear that an execution begins, at `now` (ms)."""

    def retrying(self, attempt: Attempt, error: BaseException, delay: float, times: Times) -> None:
        """Hear that it asks to be run again in `delay` seconds."""

    def waited(self, running: int) -> None:
        """Hear that the worker stops and waits no longer for what is `running`."""

    def released(self, attempt: Attempt) -> None:
        """Hear that it is given back to the queue, for the worker stops."""
        logger.info("job %s (%s) is released", attempt.job_id, attempt.name)

    def refused(self, attempt: Attempt, error: Exception) -> None:
        """Hear why it cannot be run; `ended` follows."""
        logger.warning("job %s: %s", attempt.job_id, error)

    def ended(self, attempt: Attempt, verdict: Verdict, times: Times) -> None:
        """Hear what became of it."""
