"""Who blocks an event loop, asked from another thread."""

import asyncio
import sys
import traceback
from collections.abc import Iterator
from contextvars import Context
from itertools import islice, takewhile
from types import FrameType
from typing import Any

from .context import CurrentJob, job_in, job_of
from .execute import is_loop

#: Innermost frames of a stack that are shown.
_FRAMES = 12


def blocking_job(loop: asyncio.AbstractEventLoop, thread: int) -> CurrentJob | None:
    """Return the job whose code it is, running or ended; None if it is none's, or unknown."""
    for frame in _frames(thread):
        if is_loop(frame):  # it runs a callback, or one step of a task, in a context
            context: Any = getattr(frame.f_locals.get("self"), "_context", None)
            if isinstance(context, Context) and (job := job_in(context)):
                return job
            break
    task: asyncio.Task[Any] | None = asyncio.current_task(loop)
    return job_of(task) if task else None


def stack(thread: int) -> str:
    """Return the innermost calls in a line."""
    steps = ((frame, frame.f_lineno) for frame in _frames(thread))
    own = takewhile(lambda step: not is_loop(step[0]), steps)
    lines = traceback.StackSummary.extract(islice(own, _FRAMES)).format()
    return " < ".join(" ".join(entry.split()) for entry in lines)


def _frames(thread: int) -> Iterator[FrameType]:
    frame = sys._current_frames().get(thread)
    while frame is not None:
        yield frame
        frame = frame.f_back
