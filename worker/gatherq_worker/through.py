"""Running a loop to the end of a task, whatever other tasks raise meanwhile."""

import asyncio
import logging
import signal
from typing import TypeVar

R = TypeVar("R")

logger = logging.getLogger("gatherq.worker")


def through(loop: asyncio.AbstractEventLoop, task: asyncio.Task[R]) -> R:
    """Return what `task` returns.

    asyncio lets SystemExit and KeyboardInterrupt of any task out of the loop, which stops; a job
    must not end its worker.
    """
    while True:
        try:
            return loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            # Ctrl-C comes this way only until the worker handles signals itself.
            if task.done() or signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                raise
            logger.error("a job raised %s outside of its own task", type(error).__name__)
