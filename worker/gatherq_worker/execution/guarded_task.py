"""Guarded tasks: tasks of the engine, which the code of a job cannot cancel."""

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from gatherq.contract.current_job import running_job

if TYPE_CHECKING:
    from gatherq_worker.attempt import Attempt

R = TypeVar("R")

logger = logging.getLogger("gatherq.worker")

_told: ContextVar[bool] = ContextVar("gatherq_told", default=False)


class GuardedTask(asyncio.Task[R]):
    """A task that is made without the loop's task factory, which a job may have replaced."""

    #: The attempt that the task executes, whose own code may cancel it.
    attempt: "Attempt | None" = None

    def cancel(self, msg: Any = None) -> bool:
        """Cancel, unless the code of another job asks: `asyncio.all_tasks()` shows it this task."""
        job, own = running_job(), self.attempt
        if job is None or (own and (own.job_id, own.number) == (job.job_id, job.attempt)):
            return super().cancel(msg)
        if not _told.get():
            _told.set(True)
            logger.warning("job %r (%s) cancels tasks that are not its own", job.job_id, job.name)
        return False


def guarded(work: Coroutine[Any, Any, R], attempt: "Attempt | None" = None) -> GuardedTask[R]:
    """Run a coroutine in a guarded task of the running loop, for an attempt or for the engine."""
    task = GuardedTask(work, loop=asyncio.get_running_loop())
    task.attempt = attempt
    return task


async def within(until: float, work: Coroutine[Any, Any, Any]) -> bool:
    """Run a coroutine until a time of the monotonic clock at most; tell whether it is done."""
    task = guarded(work)
    try:
        await asyncio.wait([task], timeout=max(until - monotonic(), 0.0))
        if task.done() and not task.cancelled() and (error := task.exception()):
            logger.warning("%s: %s", type(error).__name__, error)
        return task.done()
    finally:
        task.cancel()
