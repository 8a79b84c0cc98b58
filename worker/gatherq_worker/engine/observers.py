"""Observers of an engine: any number of them, each told the events that it wants.

A subclass of Observer overrides the methods of those events. An event that no observer wants is not
even made. As trio's instruments do it.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

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
    """

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
        #: Events from another thread that are not delivered yet.
        self._posted: deque[Event] = deque()

    def wants(self, kind: type[Event]) -> bool:
        """Tell whether any observer wants events of that kind; if not, none need be made."""
        return bool(self._listeners[kind])

    def tell(self, event: Event) -> None:
        """Tell the observers; on the thread of the event loop."""
        for listener in self._listeners[type(event)]:
            try:
                listener(event)
            except Exception:
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


def _overridden(observers: Sequence[Observer], method: str) -> tuple[Callable[[Any], None], ...]:
    default = getattr(Observer, method)
    return tuple(getattr(o, method) for o in observers if getattr(type(o), method) is not default)
