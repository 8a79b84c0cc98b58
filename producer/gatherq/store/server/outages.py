"""Redis errors as states: one warning a change, jittered back-off, never an exit."""

import asyncio
import logging
import random
import re

from redis.exceptions import (
    BusyLoadingError,
    DataError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

logger = logging.getLogger("gatherq.worker")

ERRORS = (RedisError, OSError, TimeoutError)


_STATES = (BusyLoadingError, MasterDownError, NoPermissionError, OutOfMemoryError, ReadOnlyError)
#: What a server may say to any call, or somebody can mend.
_PASSING = re.compile(
    r"\b(OOM|READONLY|MISCONF|NOREPLICAS|BUSY|LOADING|MASTERDOWN|UNBLOCKED|CLUSTERDOWN|TRYAGAIN"
    r"|NOAUTH|WRONGPASS|NOPERM|max number of clients|WRONGTYPE)\b|permission",
)


def is_poison(error: Exception) -> bool:
    """Tell whether it is what was asked that is refused, and would be again."""
    if isinstance(error, OSError | TimeoutError | RedisConnectionError | RedisTimeoutError):
        return False
    if isinstance(error, RedisError) and not isinstance(error, ResponseError | DataError):
        return False
    return type(error) not in _STATES and not _PASSING.search(str(error))


def not_cancelled() -> bool:
    """Tell whether nobody has cancelled this task: redis-py may swallow a cancellation."""
    task = asyncio.current_task()
    return task is None or not task.cancelling()


class OutageLog:
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
