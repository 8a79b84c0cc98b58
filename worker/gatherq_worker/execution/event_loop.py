"""Runs a loop to the end of a task, whatever other tasks do to the loop meanwhile."""

import asyncio
import logging
import signal
from typing import TypeVar

R = TypeVar("R")

logger = logging.getLogger("gatherq.worker")


def run_until_done(loop: asyncio.AbstractEventLoop, task: asyncio.Task[R]) -> R:
    """Return what `task` returns.

    asyncio lets SystemExit and KeyboardInterrupt of any task out of the loop, which stops, as it
    does when anybody calls `stop()`; a job must not end its worker.
    """
    told: set[str] = set()
    while True:
        try:
            return loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            # Ctrl-C comes this way only until the worker handles signals itself.
            if task.done() or signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                raise
            what = f"raised {type(error).__name__} outside of its own task"
        except RuntimeError:
            if task.done():
                raise  # its own
            what = "stopped the event loop"
        if what not in told:
            told.add(what)
            logger.error("a job %s", what)
