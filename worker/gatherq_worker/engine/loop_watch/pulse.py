"""The pulse of an event loop: whether it answers, asked from another thread."""

import asyncio
from time import monotonic

from gatherq_worker.engine.clock import Clock


class Pulse:
    """Asks a loop for a sign of life, and measures how long it takes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock = monotonic) -> None:
        self._loop, self._clock = loop, clock
        self._asked = self._longest = 0.0
        self._answered = True

    def beat(self, now: float) -> float:
        """Ask for a sign of life; return for how many seconds there was none."""
        if not self._answered:
            return self.silence(now)
        self._asked, self._answered = now, False
        self._loop.call_soon_threadsafe(self._pong)
        return 0.0

    def forgive(self, seconds: float) -> None:
        """Do not count some time: the whole process was stopped."""
        self._asked += seconds

    def silence(self, now: float) -> float:
        """Return for how many seconds there is no answer to what was asked."""
        return 0.0 if self._answered else max(now - self._asked, 0.0)

    def lag(self) -> float:
        """Return the longest silence, in seconds, since this was last asked."""
        longest = max(self._longest, self.silence(self._clock()))
        self._longest = 0.0
        return longest

    def _pong(self) -> None:
        self._longest = max(self._longest, self.silence(self._clock()))
        self._answered = True
