"""Going on while Redis is away, for as long as the caller's patience lasts."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.exceptions import RedisError

from .errors import is_transient, unavailable
from .urls import masked

__all__ = ["RedisRetry", "is_transient"]

R = TypeVar("R")

logger = logging.getLogger("gatherq")


class RedisRetry:
    """Repeats what may be repeated, with jittered back-off, for `patience` seconds."""

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience

    async def __call__(self, attempt: Callable[[], Awaitable[R]]) -> R:
        """Return what `attempt` returns; raises RedisUnavailable when patience ends."""
        loop = asyncio.get_running_loop()
        give_up, pause = None, 0.05
        while True:
            try:
                return await attempt()
            except (RedisError, OSError) as error:
                if not is_transient(error):
                    raise unavailable(error, self._url) from error
                if give_up is None:
                    give_up = loop.time() + self._patience
                    logger.warning("Redis at %s is away: %s", masked(self._url), error)
                if loop.time() >= give_up:
                    raise unavailable(error, self._url) from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 1.0)
