"""Whose code blocks an event loop, found from another thread by the stack of its thread."""

import asyncio
import sys
import traceback
from collections.abc import Iterator
from contextvars import Context
from itertools import islice, takewhile
from types import FrameType
from typing import Any

from gatherq.contract.current_job import CurrentJob, job_in, job_of
from gatherq.contract.remote_errors.source_frames import own_frames, shown_file
from gatherq_worker.execution.loop import is_loop

#: Innermost frames of a stack that are shown, and that are looked at for one of users' own code.
_FRAMES, _MOST = 12, 100


class Culprit:
    """For how long a loop has been in the code of one job, or in one step that is no job's.

    A loop that answers late because it runs short steps of many jobs is busy, and not blocked.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        self._loop, self._thread = loop, thread
        self._who: object = None
        self._since = 0.0

    def lasts(self, now: float) -> float:
        """Look at the stack; return for how many seconds each look has found the same code."""
        job = blocking_job(self._loop, self._thread)
        who = (job.job_id, job.attempt) if job else _step(self._thread)
        if who != self._who:
            self._who, self._since = who, now
        return now - self._since


def blocking_job(loop: asyncio.AbstractEventLoop, thread: int) -> CurrentJob | None:
    """Return the job whose code the loop runs, even if it has ended; None if it is no job's."""
    # A step is a callback, or one of a task, in a context.
    context: Any = getattr(_step(thread), "_context", None)
    if isinstance(context, Context) and (job := job_in(context)):
        return job
    task: asyncio.Task[Any] | None = asyncio.current_task(loop)
    return job_of(task) if task else None


def _step(thread: int) -> object:
    """Return the handle that the loop runs just now; None if it runs none."""
    for frame in _frames(thread):
        if is_loop(frame):
            return frame.f_locals.get("self")
    return None


def stack(thread: int) -> str:
    """Return the innermost calls in a line."""
    steps = ((frame, frame.f_lineno) for frame in _frames(thread))
    own = takewhile(lambda step: not is_loop(step[0]), steps)
    lines = traceback.StackSummary.extract(islice(own, _FRAMES)).format()
    return " < ".join(" ".join(entry.split()) for entry in lines)


def place(thread: int) -> str:
    """Return where the thread is in users' own code, as `file.py:3 in f`; empty if nowhere."""
    steps = ((frame, frame.f_lineno) for frame in _frames(thread))
    own = islice(takewhile(lambda step: not is_loop(step[0]), steps), _MOST)
    frames = own_frames(traceback.StackSummary.extract(own, lookup_lines=False))
    return next((f"{shown_file(f.filename)}:{f.lineno} in {f.name}" for f in frames), "")


def _frames(thread: int) -> Iterator[FrameType]:
    frame = sys._current_frames().get(thread)
    while frame is not None:
        yield frame
        frame = frame.f_back
