"""Settles the handles of one batch as its jobs end, and cancels those that are not wanted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Generic, TypeVar

from . import keys
from .collect import Collector
from .errors import BatchNotFound
from .handle import Handle
from .link import closed
from .outcomes import Outcome
from .redrive import REDRIVEN

T = TypeVar("T")


class Feed(Generic[T]):
    """Watches from the first look at one of its handles until all have their outcome."""

    def __init__(
        self,
        collector: Collector[T],
        cancel: Callable[..., Awaitable[int]],
        handles: Sequence[Handle[T]],
    ) -> None:
        self.handles = handles
        #: Whether a handle that is cancelled leaves its job to run.
        self.detached = False
        #: Whether the handles have failed for want of Redis.
        self.failed = False
        self._collector, self._send_cancel = collector, cancel
        self._unsettled = len(handles)
        self._after = b"0"
        self._watching: asyncio.Task[None] | None = None
        self._unwanted: set[int] = set()
        for slot, handle in enumerate(handles):
            handle.submitted(self, slot)

    def job_id(self, slot: int) -> str:
        """Name a job of this batch."""
        return keys.job_id(self._collector.batch, slot)

    def watch(self) -> None:
        """Begin to settle handles, unless that is under way."""
        if self._watching is None:
            self._watching = self._collector.link.spawn(self._watch())

    async def catch_up(self) -> None:
        """Settle what has ended by now, without waiting for more."""
        self._after, words = await self._collector.ended(self._after)
        await self._settle([slot for slot, status in words if status != REDRIVEN])
        self.watch()

    async def read(self, slot: int) -> Outcome[T]:
        """Wait for the outcome of one slot."""
        async with aclosing(self._collector.completions()) as completions:
            async for slots in completions:
                if slot in slots:
                    return (await self._collector.fetch([slot]))[0]
        raise BatchNotFound.gone(self._collector.batch, f"the result of slot {slot}")

    def cancel_soon(self, slot: int) -> None:
        """Cancel a job: all those of one turn of the loop in one call."""
        if not self._unwanted:
            self._collector.link.spawn(self._cancel(), promised=True)
        self._unwanted.add(slot)
        self.watch()

    async def _cancel(self) -> None:
        slots, self._unwanted = self._unwanted, set()
        try:
            await self._send_cancel(*slots)
        except Exception as error:
            self._fail(error)

    async def _watch(self) -> None:
        try:
            async with aclosing(self._collector.completions()) as completions:
                async for slots in completions:
                    await self._settle(slots)
                    if not self._unsettled:
                        return
        except asyncio.CancelledError:
            self._fail(closed())
            raise
        except Exception as error:
            self._fail(error)

    async def _settle(self, slots: Sequence[int]) -> None:
        slots = [slot for slot in slots if not self._is_settled(slot)]
        async for outcome in self._collector.outcomes(slots):
            handle = self.handles[outcome.slot]
            if not self._is_settled(outcome.slot):
                self._unsettled -= 1
            handle.settle(outcome)

    def _is_settled(self, slot: int) -> bool:
        return slot >= len(self.handles) or self.handles[slot].has_outcome

    def _fail(self, error: BaseException) -> None:
        self.failed = True
        for handle in self.handles:
            handle.fail(error)
