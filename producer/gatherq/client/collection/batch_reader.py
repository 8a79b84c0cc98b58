"""One reading of a batch, from its first completion to its last."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from gatherq.contract.outcomes import Outcome

from .collector import Collector, runs
from .subscription import OnRedriven, Reader

T = TypeVar("T")

#: Longest look at what has ended when the time of the reading is over, in seconds.
_LAST_LOOK = 1.0


class BatchReader(Generic[T]):
    """Slots as they end, each once, and their outcomes."""

    def __init__(
        self,
        collector: Collector[T],
        deadline: float | None = None,
        on_redriven: OnRedriven | None = None,
    ) -> None:
        self._collector, self._deadline = collector, deadline
        collector.session.check()
        self._watcher = collector.session.watcher
        self._reader = Reader(collector.size, on_redriven)

    async def slots(self) -> AsyncGenerator[list[int], None]:
        """Yield slots as their jobs end, until all have.

        Raises TimeoutError at the deadline, on the loop's clock, after what had ended by then.
        """
        reader, batch, joined = self._reader, self._collector.batch, False
        try:
            while reader.left:
                if not joined:
                    self._watcher.join(batch, reader)
                late, joined = False, True
                try:
                    async with asyncio.timeout_at(self._deadline):
                        found = await reader.take()
                except TimeoutError:
                    late, found = True, await self._last()
                if not reader.left:  # before it is told, so that the watcher need not read on
                    self._watcher.leave(batch, reader)
                    joined = False
                if found:
                    yield found
                if late and reader.left:
                    raise TimeoutError
        finally:
            self._watcher.leave(batch, reader)
            if not reader.left:  # it has ended, and needs no sign of life any more
                self._collector.session.leases.let_go(batch)

    async def fetch(self, slots: Sequence[int]) -> list[Outcome[T] | None]:
        """Return outcomes; the slots that have none, after all, are waited for again."""
        found = await self._collector.fetch(slots)
        self._reader.expect(slot for slot, o in zip(slots, found, strict=True) if o is None)
        return found

    async def outcomes(self, slots: Sequence[int]) -> AsyncIterator[Outcome[T]]:
        """Yield the outcomes of those of these slots that have ended."""
        for run in runs(slots):
            for outcome in await self.fetch(run):
                if outcome is not None:
                    yield outcome

    async def _last(self) -> list[int]:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LOOK):
                self._reader.tell((await self._collector.ended(b"0"))[1])
        return self._reader.taken()
