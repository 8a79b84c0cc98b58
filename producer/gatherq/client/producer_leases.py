"""The producer leases: a batch with one goes on only while its producer renews it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from gatherq.aio import cancel_and_wait, start_task
from gatherq.store.server.errors import is_transient

logger: logging.Logger = logging.getLogger("gatherq")

#: First and longest pause between two attempts while renewing fails, in seconds.
_FIRST, _LONGEST = 0.05, 0.5


class ProducerLeases:
    """Renews the leases of one producer's batches, three times a lease, in one task.

    After a failure it tries again soon, so that the lease is renewed as soon as Redis is back.
    """

    def __init__(self, renew: Callable[[str], Awaitable[bool]]) -> None:
        self._renew = renew
        #: Length of each lease in seconds, by batch.
        self._held: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: Seconds until the next attempt after a failure; 0 while renewing succeeds.
        self._pause = 0.0

    def hold(self, batch: str, seconds: float) -> None:
        """Renew the lease of a batch, of so many seconds, until the batch has ended."""
        self._held[batch] = seconds
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = start_task(self._run(), name="gatherq-leases")

    def let_go(self, batch: str) -> None:
        """Renew the lease of a batch no more."""
        self._held.pop(batch, None)

    async def aclose(self) -> None:
        """Renew no lease any more: batches that have one end with it."""
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
                # After a timeout the next attempt uses another connection.
                async with asyncio.timeout(seconds / 3):
                    if not await self._renew(batch):
                        self.let_go(batch)
            except Exception as error:
                if not (self._pause or failed):
                    reason = str(error) or "no answer"
                    logger.warning("batch %s: lease not renewed: %s; retrying", batch, reason)
                failed = True
                if is_transient(error):
                    break  # Redis is away for all batches
        if self._pause and not failed:
            logger.warning("the leases of this producer's batches are renewed again")
        self._pause = min(self._pause * 2 or _FIRST, _LONGEST) if failed else 0.0
