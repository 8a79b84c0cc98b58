"""Outages of Redis: one warning a change of state, jittered back-off, never an exit."""

import asyncio
import logging
import random

logger: logging.Logger = logging.getLogger("gatherq.worker")


class OutageLog:
    """Whether Redis answers; logs each change, at `level`, and lets the tries wait."""

    def __init__(self, level: int = logging.WARNING) -> None:
        self._level = level
        self.ok: bool = True
        #: How often Redis failed.
        self.errors: int = 0
        self._pause = 0.05

    def note_answer(self) -> None:
        """Note an answer; logs the end of an outage."""
        if not self.ok:
            logger.log(self._level, "Redis is back", extra={"event": "redis.back"})
        self.ok, self._pause = True, 0.05

    async def note_error(self, doing: str, error: BaseException) -> None:
        """Note an error, and wait before the next try."""
        await self.note_outage(
            f"Redis fails to {doing}: {type(error).__name__}: {error}; trying on"
        )

    async def note_outage(self, warning: str) -> None:
        """Log a warning if Redis answered before, and wait before the next try."""
        if self.ok:
            logger.log(self._level, "%s", warning, extra={"event": "redis.away"})
        self.ok = False
        self.errors += 1
        await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(self._pause * 2, 0.5)
