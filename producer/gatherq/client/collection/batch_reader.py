"""One reading of a batch, from its first completion to its last."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from gatherq.contract.outcomes import Outcome

from .collector import Collector, chunks
from .subscription import OnRedriven, Subscription

T = TypeVar("T")

#: Longest last look for completions after the deadline of a reading, in seconds.
_LAST_LOOK = 1.0


class BatchReader(Generic[T]):
    """Yields slots as they end, each once, and fetches their outcomes."""

    def __init__(
        self,
        collector: Collector[T],
        deadline: float | None = None,
        on_redriven: OnRedriven | None = None,
    ) -> None:
        self._collector, self._deadline = collector, deadline
        collector.session.check()
        self._watcher = collector.session.watcher
        self._subscription = Subscription(
            collector.size, on_redriven, collector.names, collector.life
        )

    async def slots(self) -> AsyncGenerator[list[int], None]:
        """Yield slots as their jobs end, until all have.

        Raises TimeoutError at the deadline, a time of the loop's clock, after yielding the slots
        that had ended by then.
        """
        subscription, batch, subscribed = self._subscription, self._collector.batch, False
        try:
            while subscription.remaining:
                if not subscribed:
                    self._watcher.subscribe(batch, subscription)
                late, subscribed = False, True
                try:
                    async with asyncio.timeout_at(self._deadline):
                        slots = await subscription.get()
                except TimeoutError:
                    late, slots = True, await self._get_last()
                if not subscription.remaining:  # before the yield: the watcher need not read on
                    self._watcher.unsubscribe(batch, subscription)
                    subscribed = False
                if slots:
                    yield slots
                if late and subscription.remaining:
                    raise TimeoutError
        finally:
            self._watcher.unsubscribe(batch, subscription)
            if not subscription.remaining:  # the batch has ended, and needs no lease
                self._collector.session.leases.let_go(batch)

    async def fetch(self, slots: Sequence[int]) -> list[Outcome[T] | None]:
        """Return the outcomes of slots; None for one without: `slots` will yield it again."""
        outcomes = await self._collector.fetch(slots, self._subscription.take_results(slots))
        self._subscription.reset(
            slot for slot, outcome in zip(slots, outcomes, strict=True) if outcome is None
        )
        return outcomes

    async def outcomes(self, slots: Sequence[int]) -> AsyncIterator[Outcome[T]]:
        """Yield the outcomes of those of these slots that have ended."""
        for chunk in chunks(slots):
            for outcome in await self.fetch(chunk):
                if outcome is not None:
                    yield outcome

    async def _get_last(self) -> list[int]:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LOOK):
                self._subscription.put((await self._collector.completions(b"0"))[1])
        return self._subscription.get_nowait()
