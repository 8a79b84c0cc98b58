"""Signs of life of a producer: while they come, its batches go on."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError

from .ending import end

logger = logging.getLogger("gatherq")


class Leases:
    """Renews the leases of one producer's batches, three times a lease, in one task."""

    def __init__(self, renew: Callable[[str], Awaitable[bool]]) -> None:
        self._renew = renew
        self._held: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def hold(self, batch: str, seconds: float) -> None:
        """Begin to renew; it ends by itself with the batch."""
        self._held[batch] = seconds
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def let_go(self, batch: str) -> None:
        """Renew no more."""
        self._held.pop(batch, None)

    async def aclose(self) -> None:
        """Renew nothing any more: what still has a lease ends with it."""
        self._held.clear()
        if self._task:
            await end(self._task)

    async def _run(self) -> None:
        while self._held:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._held.values()) / 3):
                    await self._changed.wait()
                    continue  # a shorter lease may have come
            for batch in list(self._held):
                await self._renew_one(batch)

    async def _renew_one(self, batch: str) -> None:
        try:
            if not await self._renew(batch):
                self.let_go(batch)
        except (RedisError, OSError) as error:
            logger.debug("batch %s: lease not renewed: %s", batch, error)
