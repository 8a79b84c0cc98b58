"""Settles the handles of one batch as its jobs end, and cancels those that are not wanted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Generic, TypeVar

from gatherq.contract import keys
from gatherq.contract.outcomes import Outcome
from gatherq.errors import BatchNotFound
from gatherq.store.redrive import REDRIVEN

from .collection.batch_reader import BatchReader
from .collection.collector import Collector
from .handle import Handle
from .session import closed

T = TypeVar("T")


class HandleGroup(Generic[T]):
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
        self._cancelling: asyncio.Task[None] | None = None
        for slot, handle in enumerate(handles):
            handle.submitted(self, slot)

    def job_id(self, slot: int) -> str:
        """Name a job of this batch."""
        return keys.job_id(self._collector.batch, slot)

    def watch(self) -> None:
        """Begin to settle handles, unless that is under way."""
        if self._watching is None and (loop := self._loop()):
            self._watching = self._collector.session.spawn(self._watch(), loop=loop)
            self._watching.add_done_callback(self._ended)

    async def catch_up(self) -> None:
        """Settle what has ended by now, without waiting for more."""
        self._after, words = await self._collector.ended(self._after)
        slots = self._unknown([slot for slot, status in words if status != REDRIVEN])
        await self._settle(self._collector.outcomes(slots))
        self.watch()

    async def read(self, slot: int) -> Outcome[T]:
        """Wait for the outcome of one slot."""
        reading = BatchReader(self._collector)
        async with aclosing(reading.slots()) as ended:
            async for slots in ended:
                if slot in slots and (outcome := (await reading.fetch([slot]))[0]):
                    return outcome
        raise BatchNotFound.gone(self._collector.batch, f"the result of slot {slot}")

    def cancel_soon(self, slot: int) -> None:
        """Cancel a job: all those of one turn of the loop, or of one call's time, in one call."""
        self._unwanted.add(slot)
        if (self._cancelling is None or self._cancelling.done()) and (loop := self._loop()):
            self._cancelling = self._collector.session.spawn(
                self._cancel(), certain=True, loop=loop
            )
        self.watch()

    def _ended(self, watching: "asyncio.Task[None]") -> None:
        """End handles that nobody settles any more; a task may be cancelled before it begins."""
        if watching.cancelled():
            self.failed = True
            for handle in self.handles:
                handle.close(closed())

    def redriven(self, slots: Iterable[int]) -> None:
        """Note that jobs are to be run again: a cancellation that was asked is lifted."""
        for slot in slots:
            if not self._is_settled(slot):
                self.handles[slot].redriven()

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop of the handles, which need not run now, unless it is closed."""
        loop = self.handles[0].get_loop()
        return None if loop.is_closed() else loop

    async def _cancel(self) -> None:
        try:
            while self._unwanted:  # with none given, it would be all
                slots, self._unwanted = self._unwanted, set()
                await self._send_cancel(*slots)
        except Exception as error:
            self._fail(error)

    async def _watch(self) -> None:
        try:
            reading = BatchReader(self._collector, on_redriven=self.redriven)
            async with aclosing(reading.slots()) as ended:
                async for slots in ended:
                    await self._settle(reading.outcomes(self._unknown(slots)))
                    if not self._unsettled:
                        return
        except asyncio.CancelledError:
            # The loop may be ending: who is cancelled waits until that is written.
            if self._cancelling is not None and not self._cancelling.done():
                await asyncio.wait([self._cancelling])
            raise
        except Exception as error:
            self._fail(error)

    def _unknown(self, slots: Sequence[int]) -> list[int]:
        return [slot for slot in slots if not self._is_settled(slot)]

    async def _settle(self, outcomes: AsyncIterator[Outcome[T]]) -> None:
        async for outcome in outcomes:
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
