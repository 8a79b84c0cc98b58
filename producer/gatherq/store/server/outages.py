"""Outages of Redis: one warning a change of state, jittered back-off, never an exit."""

import asyncio
import logging
import random

from .errors import refusal_of

logger: logging.Logger = logging.getLogger("gatherq.worker")


class OutageLog:
    """Whether Redis does what it is asked; logs each change, at `level`, and lets the tries wait.

    A connection is often lost before the server can say why, so a refusal with a new reason is
    such a change, too.
    """

    def __init__(self, level: int = logging.WARNING) -> None:
        self._level = level
        self.ok: bool = True
        #: How often Redis failed.
        self.errors: int = 0
        self._pause = 0.05
        #: Reasons of the server that were logged since it answered last.
        self._told: set[str] = set()

    def note_answer(self) -> None:
        """Note an answer; logs the end of an outage."""
        if not self.ok:
            logger.log(self._level, "Redis is back", extra={"event": "redis.back"})
        self.ok, self._pause = True, 0.05
        self._told.clear()

    async def note_error(self, doing: str, error: BaseException) -> None:
        """Note an error, and wait before the next try."""
        warning = f"Redis fails to {doing}: {type(error).__name__}: {error}; trying on"
        await self.note_outage(warning, refusal_of(error))

    async def note_outage(self, warning: str, reason: str = "") -> None:
        """Log a warning if it says anything new, and wait before the next try.

        That is where Redis answered before, or gives another `reason` now.
        """
        if self.ok or (reason and reason not in self._told):
            logger.log(self._level, "%s", warning, extra={"event": "redis.away"})
        self.ok = False
        self._told.add(reason)
        self.errors += 1
        await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(self._pause * 2, 0.5)
