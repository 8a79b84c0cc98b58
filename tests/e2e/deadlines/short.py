"""Jobs of a worker that is short of threads and processes at first."""

import errno
import os
import subprocess
import threading
from typing import Any

from gatherq import job

from .stuck import note

REAL_THREAD, REAL_PROCESS = threading.Thread.start, subprocess.Popen.__init__
#: How often the system still says no.
left = {"thread": 3, "process": 2}


def no_thread(thread: threading.Thread) -> None:
    if thread.name.startswith("gatherq begins") and left["thread"]:
        left["thread"] -= 1
        raise RuntimeError("can't start new thread")
    REAL_THREAD(thread)


def no_process(*args: Any, **kwargs: Any) -> None:
    if left["process"]:
        left["process"] -= 1
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    REAL_PROCESS(*args, **kwargs)


threading.Thread.start = no_thread  # type: ignore[method-assign]
subprocess.Popen.__init__ = no_process  # type: ignore[method-assign]


@job(max_attempts=1)
def begins(path: str) -> int:
    note(path, "start")
    return 1


@job(max_attempts=1, isolation="process")
def begins_apart(path: str) -> int:
    note(path, "start")
    return 1


@job(max_attempts=1)
def raises_as_if() -> None:
    raise RuntimeError("can't start new thread")
