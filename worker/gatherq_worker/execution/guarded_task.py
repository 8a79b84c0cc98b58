"""Tasks of the engine, which the code of a job cannot cancel."""

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from gatherq_worker.context import running_job

if TYPE_CHECKING:
    from gatherq_worker.attempt import Attempt

R = TypeVar("R")

logger = logging.getLogger("gatherq.worker")

_told: ContextVar[bool] = ContextVar("gatherq_told", default=False)


class GuardedTask(asyncio.Task[R]):
    """Made directly, not by the loop: whatever factory of tasks a job sets, these begin later."""

    #: The attempt that it executes: its own code may cancel it.
    attempt: "Attempt | None" = None

    def cancel(self, msg: Any = None) -> bool:
        """Cancel, unless it is the code of another job that asks: `asyncio.all_tasks()` has us."""
        job, own = running_job(), self.attempt
        if job is None or (own and (own.job_id, own.number) == (job.job_id, job.attempt)):
            return super().cancel(msg)
        if not _told.get():
            _told.set(True)
            logger.warning("job %r (%s) cancels tasks that are not its own", job.job_id, job.name)
        return False


def guarded(work: Coroutine[Any, Any, R], attempt: "Attempt | None" = None) -> GuardedTask[R]:
    """Run it in a task of the running loop, that of an attempt or of the engine."""
    task = GuardedTask(work, loop=asyncio.get_running_loop())
    task.attempt = attempt
    return task


async def within(until: float, work: Coroutine[Any, Any, Any]) -> bool:
    """Do some work until then, by the monotonic clock, and no longer; tell whether it is done."""
    task = guarded(work)
    try:
        await asyncio.wait([task], timeout=max(until - monotonic(), 0.0))
        if task.done() and not task.cancelled() and (error := task.exception()):
            logger.warning("%s: %s", type(error).__name__, error)
        return task.done()
    finally:
        task.cancel()
