"""The handles of one batch: settled as its jobs end, their cancellations sent together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from gatherq.aio import finish_surely
from gatherq.contract.keys import job_id
from gatherq.contract.outcomes import Outcome
from gatherq.errors import BatchNotFound, NoWorkers
from gatherq.store.redrive import REDRIVEN

from . import batch_operations
from .collection.batch_reader import BatchReader
from .collection.collector import Collector
from .handle import Handle, close, fail, lift_cancellation, place, settle

T = TypeVar("T")


class HandleGroup(Generic[T]):
    """Watches a batch from the first look at one of its handles until all have their outcome."""

    def __init__(
        self,
        collector: Collector[T],
        cancel: Callable[..., Coroutine[Any, Any, int]],
        handles: Sequence[Handle[T]],
    ) -> None:
        self.handles = handles
        #: Whether cancelling a handle leaves its job to run.
        self.detached = False
        #: Whether the jobs end with the code that waits for them, also where nobody runs them.
        self.structured = False
        #: Whether the handles have failed because Redis was away, or the producer closed.
        self.failed: bool = False
        self._collector, self._cancel_slots = collector, cancel
        self._unsettled = len(handles)
        self._after = b"0"
        self._watch_task: asyncio.Task[None] | None = None
        self._to_cancel: set[int] = set()
        self._cancel_task: asyncio.Task[None] | None = None
        for slot, handle in enumerate(handles):
            place(handle, self, slot)

    def job_id(self, slot: int) -> str:
        """Return the id of a job of this batch."""
        return job_id(self._collector.batch, slot)

    def watch(self) -> None:
        """Begin to settle handles, unless that is under way."""
        if self._watch_task is None and (loop := self._loop()):
            self._watch_task = self._collector.session.spawn(self._watch(), loop=loop)
            self._watch_task.add_done_callback(self._watch_ended)

    async def catch_up(self) -> None:
        """Settle the handles of jobs that have ended by now, without waiting for more."""
        self._after, statuses = await self._collector.completions(self._after)
        slots = self._pending([slot for slot, status in statuses if status != REDRIVEN])
        await self._settle(self._collector.outcomes(slots))
        self.watch()

    async def read(self, slot: int) -> Outcome[T]:
        """Wait for the outcome of one slot; raises BatchNotFound."""
        reader = BatchReader(self._collector)
        async with aclosing(reader.slots()) as ended:
            async for slots in ended:
                if slot in slots and (outcome := (await reader.fetch([slot]))[0]):
                    return outcome
        raise BatchNotFound.gone(self._collector.batch, f"the result of slot {slot}")

    def cancel_soon(self, slot: int) -> None:
        """Cancel a job, in one call with others of this turn of the loop, or of the last call."""
        self._to_cancel.add(slot)
        if (self._cancel_task is None or self._cancel_task.done()) and (loop := self._loop()):
            self._cancel_task = self._collector.session.spawn_uncancellable(loop, self._cancel())
        self.watch()

    def redriven(self, slots: Iterable[int]) -> None:
        """Note that jobs are to run again, and that their cancellations are lifted."""
        for slot in slots:
            if not self._is_settled(slot):
                lift_cancellation(self.handles[slot])

    def _watch_ended(self, task: "asyncio.Task[None]") -> None:
        """Close the handles if the task was cancelled, which may be before it has begun."""
        if task.cancelled():
            self.failed = True
            for handle in self.handles:
                close(handle, self._collector.session.closed())

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop of the handles, unless it is closed; it may stand still."""
        loop = self.handles[0].get_loop()
        return None if loop.is_closed() else loop

    async def _cancel(self) -> None:
        try:
            # No slots would stand for all. Between the last look and the end of this task lies no
            # turn of the loop, in which a slot could be added that nobody cancels.
            while self._to_cancel:
                slots, self._to_cancel = self._to_cancel, set()
                await finish_surely(self._cancel_slots, *slots)
        except Exception as error:
            self._fail(error)

    async def _watch(self) -> None:
        try:
            reader = BatchReader(self._collector, on_redriven=self.redriven)
            async with aclosing(reader.slots()) as ended:
                async for slots in ended:
                    await self._settle(reader.outcomes(self._pending(slots)))
                    if not self._unsettled:
                        return
        except NoWorkers as error:
            await self._stop()
            self._fail(error)
        except asyncio.CancelledError:
            # The loop may be ending: cancellations are sent before their handles are closed.
            if self._cancel_task is not None and not self._cancel_task.done():
                await asyncio.wait([self._cancel_task])
            raise
        except Exception as error:
            self._fail(error)

    async def _stop(self) -> None:
        collector = self._collector
        if self.structured and not self.detached:
            await batch_operations.stop(collector.session, collector.batch, collector.size)

    def _pending(self, slots: Sequence[int]) -> list[int]:
        return [slot for slot in slots if not self._is_settled(slot)]

    async def _settle(self, outcomes: AsyncIterator[Outcome[T]]) -> None:
        async for outcome in outcomes:
            handle = self.handles[outcome.slot]
            if not self._is_settled(outcome.slot):
                self._unsettled -= 1
            settle(handle, outcome)

    def _is_settled(self, slot: int) -> bool:
        return slot >= len(self.handles) or self.handles[slot].has_outcome

    def _fail(self, error: BaseException) -> None:
        self.failed = True
        for handle in self.handles:
            fail(handle, error)
