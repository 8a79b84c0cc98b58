"""Interrupts code that blocks the event loop, as Ctrl-C would, once its time is over.

A signal runs a Python handler in the main thread, between two instructions or in place of a system
call that waits. The handler looks whose code it interrupts: never the engine's own.
"""

import contextlib
import signal
import threading
from collections.abc import Callable
from time import monotonic
from types import FrameType

from gatherq.contract.current_job import CurrentJob, running_job

from .loop import Interrupted, in_handler

#: Ignored by default, and free for this: nobody else expects it to mean anything.
SIGNAL = getattr(signal, "SIGURG", None)


def install(over: Callable[[CurrentJob], bool] = lambda job: False) -> int | None:
    """Prepare to interrupt this thread; return its id, or None where that cannot be done.

    `over` tells whether a job has ended: the code that it left behind may be interrupted.
    """
    if SIGNAL is None or threading.current_thread() is not threading.main_thread():
        return None

    def handle(signum: int, frame: FrameType | None) -> None:
        job = running_job()
        if job and (_late(job) or over(job)) and in_handler(frame):
            raise Interrupted("its time is over")

    signal.signal(SIGNAL, handle)
    return threading.get_ident()


def interrupt(thread: int) -> None:
    """Interrupt a thread that was prepared, if it is in the code of a job that is late, or over."""
    assert SIGNAL is not None
    with contextlib.suppress(ProcessLookupError):
        signal.pthread_kill(thread, SIGNAL)


def _late(job: CurrentJob) -> bool:
    return job.deadline is not None and monotonic() >= job.deadline
