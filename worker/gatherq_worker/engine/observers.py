"""Observers of an engine: any number of them, each told the events that it wants.

A subclass of Observer overrides the methods of those events. An event that no observer wants is not
even made. As trio's instruments do it. `around` is no event: it surrounds an attempt.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from gatherq_worker.attempt import Attempt

from .events import (
    Event,
    GraceOver,
    JobDied,
    JobEnded,
    JobRefused,
    JobReleased,
    JobRetried,
    JobStarted,
    LeaseLost,
    LoopBlocked,
)

logger = logging.getLogger("gatherq.worker")


class Observer:
    """Told of events on the thread of the event loop, in order; must not block.

    What a method raises is logged, and affects neither the job nor other observers.

    An attempt that is executed is surrounded: `around` is entered, `job_started` is told, the
    handler runs, what became of it is told (`job_ended`, `job_retried`, `job_died`, `job_released`
    or `lease_lost`), and `around` is left. Of an attempt that does not end when its time is over,
    `job_ended` is told before that, out of another task; `around` is left when its code ends. What
    ends without being executed (`job_refused`, a limit reached in the queue) has no `around`.
    """

    def around(self, attempt: Attempt) -> AbstractContextManager[object]:
        """Return what surrounds the execution of an attempt, in the attempt's own task.

        Context variables that it sets are seen by the handler, in the event loop and in a thread;
        not in a process of its own. It is left without an exception: the events tell how it ended.
        """
        return _NOTHING

    def job_started(self, event: JobStarted) -> None:
        """Hear that an execution begins."""

    def job_retried(self, event: JobRetried) -> None:
        """Hear that an execution asks to be followed by another."""

    def job_died(self, event: JobDied) -> None:
        """Hear that an execution took its process down, and is followed by another."""

    def job_released(self, event: JobReleased) -> None:
        """Hear that a job goes back to the queue, because the worker stops."""

    def job_refused(self, event: JobRefused) -> None:
        """Hear that a job cannot be executed."""

    def job_ended(self, event: JobEnded) -> None:
        """Hear what became of a job."""

    def lease_lost(self, event: LeaseLost) -> None:
        """Hear that another worker has the job of an attempt."""

    def grace_over(self, event: GraceOver) -> None:
        """Hear that the worker, which stops, no longer waits for what runs."""

    def loop_blocked(self, event: LoopBlocked) -> None:
        """Hear that the event loop was blocked; told once it answers again."""


_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()

_METHODS: dict[type[Event], str] = {
    JobStarted: "job_started",
    JobRetried: "job_retried",
    JobDied: "job_died",
    JobReleased: "job_released",
    JobRefused: "job_refused",
    JobEnded: "job_ended",
    LeaseLost: "lease_lost",
    GraceOver: "grace_over",
    LoopBlocked: "loop_blocked",
}


class Observers:
    """The observers of one engine, by event."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._loop = asyncio.get_running_loop()
        self._listeners = {
            kind: _overridden(observers, method) for kind, method in _METHODS.items()
        }
        self._around = _overridden(observers, "around")
        #: Events from another thread that are not delivered yet.
        self._posted: deque[Event] = deque()

    def wants(self, kind: type[Event]) -> bool:
        """Tell whether any observer wants events of that kind; if not, none need be made."""
        return bool(self._listeners[kind])

    def around(self, attempt: Attempt) -> AbstractContextManager[None]:
        """Return what the observers put around an attempt; nothing, if none wants to."""
        return _Around(attempt, self._around) if self._around else _NOTHING

    def tell(self, event: Event) -> None:
        """Tell the observers; on the thread of the event loop."""
        for listener in self._listeners[type(event)]:
            try:
                listener(event)
            except BaseException:  # whatever it is, the job and others go on
                logger.exception("an observer raised at %s", type(event).__name__)

    def post(self, event: Event) -> None:
        """Have the event loop tell the observers; from any thread."""
        if self._listeners[type(event)]:
            self._posted.append(event)
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self.deliver)

    def deliver(self) -> None:
        """Tell what was posted; from another thread only if the loop will not come back to it."""
        with contextlib.suppress(IndexError):
            while True:
                self.tell(self._posted.popleft())


class _Around:
    """What the observers put around one attempt: the first is the outermost; never raises."""

    __slots__ = ("_attempt", "_entered", "_methods")

    def __init__(self, attempt: Attempt, methods: Sequence[Callable[[Any], Any]]) -> None:
        self._attempt, self._methods = attempt, methods
        self._entered: list[AbstractContextManager[object]] = []

    def __enter__(self) -> None:
        for method in self._methods:
            try:
                manager = method(self._attempt)
                manager.__enter__()
            except BaseException:  # whatever it is, the job and others go on
                logger.exception("an observer raised as job %s began", self._attempt.job_id)
            else:
                self._entered.append(manager)

    def __exit__(self, *_: object) -> None:
        for manager in reversed(self._entered):
            try:
                manager.__exit__(None, None, None)
            except BaseException:  # whatever it is, the job and others go on
                logger.exception("an observer raised as job %s ended", self._attempt.job_id)


def _overridden(observers: Sequence[Observer], method: str) -> tuple[Callable[[Any], Any], ...]:
    default = getattr(Observer, method)
    return tuple(getattr(o, method) for o in observers if getattr(type(o), method) is not default)
