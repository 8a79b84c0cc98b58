"""Redis errors as states: one warning a change, jittered back-off, never an exit."""

import asyncio
import logging
import random

from redis.exceptions import RedisError

logger = logging.getLogger("gatherq.worker")

ERRORS = (RedisError, OSError, TimeoutError)


def wanted() -> bool:
    """Tell whether nobody has cancelled this task: redis-py may swallow a cancellation."""
    task = asyncio.current_task()
    return task is None or not task.cancelling()


class Health:
    """Whether Redis answers this worker."""

    def __init__(self) -> None:
        self.ok = True
        self._pause = 0.05

    def good(self) -> None:
        """Note a success."""
        if not self.ok:
            logger.warning("Redis is back")
        self.ok, self._pause = True, 0.05

    async def bad(self, doing: str, error: BaseException) -> None:
        """Note a failure, and wait before the next try."""
        await self.away(f"Redis fails to {doing}: {type(error).__name__}: {error}; trying on")

    async def away(self, warning: str) -> None:
        """Say so, once, and wait before the next try."""
        if self.ok:
            logger.warning(warning)
        self.ok = False
        await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(self._pause * 2, 0.5)
