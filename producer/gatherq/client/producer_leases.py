"""Signs of life of a producer: while they come, its batches go on."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from gatherq.aio import cancel_and_wait, start_task
from gatherq.store.server.errors import is_transient

logger = logging.getLogger("gatherq")

#: First and longest pause between two attempts while renewing fails, in seconds.
_FIRST, _LONGEST = 0.05, 0.5


class ProducerLeases:
    """Renews the leases of one producer's batches, three times a lease, in one task.

    While that fails it is tried again soon, so that contact that is back is used at once.
    """

    def __init__(self, renew: Callable[[str], Awaitable[bool]]) -> None:
        self._renew = renew
        self._held: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: Pause until the next attempt; 0 while all is well.
        self._pause = 0.0

    def hold(self, batch: str, seconds: float) -> None:
        """Begin to renew; it ends by itself with the batch."""
        self._held[batch] = seconds
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = start_task(self._run())

    def let_go(self, batch: str) -> None:
        """Renew no more."""
        self._held.pop(batch, None)

    async def aclose(self) -> None:
        """Renew nothing any more: what still has a lease ends with it."""
        self._held.clear()
        if self._task:
            await cancel_and_wait(self._task)

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        renewed = clock()
        while self._held:
            self._changed.clear()
            third = min(self._held.values()) / 3
            due = renewed + min(self._pause or third, third)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
                    continue  # a shorter lease may have come
            await self._renew_all()
            renewed = clock()

    async def _renew_all(self) -> None:
        failed = False
        for batch, seconds in list(self._held.items()):
            try:
                # A server that is silent is asked again, over another connection.
                async with asyncio.timeout(seconds / 3):
                    if not await self._renew(batch):
                        self.let_go(batch)
            except Exception as error:
                if not (self._pause or failed):
                    why = str(error) or "no answer"
                    logger.warning("batch %s: lease not renewed: %s; trying on", batch, why)
                failed = True
                if is_transient(error):
                    break  # it is so for all of them
        if self._pause and not failed:
            logger.warning("the leases of this producer's batches are renewed again")
        self._pause = min(self._pause * 2 or _FIRST, _LONGEST) if failed else 0.0
