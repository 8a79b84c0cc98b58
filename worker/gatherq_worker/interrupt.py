"""Interrupting code that blocks the event loop, as Ctrl-C would, but only if it is late.

A signal runs a Python handler in the main thread, between two of its instructions or out of a
system call that waits. There it sees whose code it is in: the engine's own is never interrupted.
"""

import contextlib
import signal
import threading
from time import monotonic
from types import FrameType

from .context import running_job
from .execute import Interrupted, in_handler

#: Ignored by default, and free for this: nobody else expects it to mean anything.
SIGNAL = getattr(signal, "SIGURG", None)


def install() -> int | None:
    """Prepare to interrupt this thread; return its id, or None where that cannot be done."""
    if SIGNAL is None or threading.current_thread() is not threading.main_thread():
        return None
    signal.signal(SIGNAL, _interrupt)
    return threading.get_ident()


def interrupt(thread: int) -> None:
    """Interrupt a thread that was prepared, if it is in the code of a job that is late."""
    assert SIGNAL is not None
    with contextlib.suppress(ProcessLookupError):
        signal.pthread_kill(thread, SIGNAL)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    job = running_job()
    late = job is not None and job.deadline is not None and monotonic() >= job.deadline
    if late and in_handler(frame):
        raise Interrupted("its time is over")
