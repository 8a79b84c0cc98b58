"""A batch that was submitted: its outcomes, in order or as they complete.

A batch has the methods that its users call. What only our own modules do to a batch is a function
of this module.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from gatherq.contract.checks.usage import usage
from gatherq.contract.outcomes import Outcome
from gatherq.contract.validation import check_signature, check_slots
from gatherq.contract.values.codec import Decoder
from gatherq.errors import BatchNotFound
from gatherq.store.batches import Counts
from gatherq.store.redrive import REDRIVEN

from . import batch_operations
from .collection.batch_reader import BatchReader
from .collection.collector import FETCH, Collector
from .handle import Handle
from .handle_group import HandleGroup
from .session import Session

T = TypeVar("T")

#: What to write for a timeout of all outcomes.
_OUTCOMES_TIMEOUT = "write asyncio.wait_for(batch.outcomes(), 10)"


class Batch(Generic[T]):
    """A handle on a submitted batch. Reading consumes nothing: any number may read, at any time.

        batch = await producer.submit([chop.call("leek", 3), chop.call("onion", 12)], timeout=10)
        async for outcome in batch:  # in the order of the calls
            print(outcome.slot, outcome.status)

    `id` is for `producer.batch(id)`, here or elsewhere; `len(batch)` is its number of jobs.

    The batch is durable: to stop waiting for it, by cancellation or a timeout, stops none of its
    jobs. `cancel()` does.
    """

    def __init__(
        self,
        session: Session,
        batch_id: str,
        size: int,
        decoders: Sequence[Decoder | None] | None = None,
        names: Sequence[str] | None = None,
        life: str = "",
    ) -> None:
        self.id = batch_id
        self._size = size
        self._session = session
        self._collector: Collector[T] = Collector(session, batch_id, size, decoders, names, life)
        self._group: HandleGroup[T] | None = None
        self._detached = False

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"<Batch {self.id} of {self._size}>"

    if not TYPE_CHECKING:  # type checkers refuse all, and Python's own errors say not what to do

        def __await__(self) -> NoReturn:
            raise TypeError(
                "a Batch is not awaited itself: `await batch.outcomes()` waits for its jobs, and "
                "`await producer.gather(...)` returns their values"
            )

        def __iter__(self) -> NoReturn:
            raise TypeError(
                "a Batch is read by `async for outcome in batch`, or as a list by "
                "`await batch.outcomes()`"
            )

        def __getitem__(self, slot: object) -> NoReturn:
            raise TypeError(
                "a Batch has no items: `await batch.outcomes()` is a list of all outcomes, "
                "`batch.handles()` one of what to await"
            )

    @usage("outcomes", "nothing: await batch.outcomes()", timeout=_OUTCOMES_TIMEOUT)
    async def outcomes(self) -> list[Outcome[T]]:
        """Wait for all, and return one outcome a job, in the order they were submitted.

            values = [outcome.unwrap() for outcome in await batch.outcomes()]

        Raises BatchNotFound once the batch has expired or was deleted, and RedisUnavailable.
        """
        return [outcome async for outcome in self]

    async def __aiter__(self) -> AsyncIterator[Outcome[T]]:
        """Yield outcomes in the order they were submitted, as soon as the prefix is complete."""
        done = bytearray(self._size)
        position = 0
        reader = BatchReader(self._collector)
        async with aclosing(reader.slots()) as ended:
            async for slots in ended:
                for slot in slots:
                    done[slot] = 1
                while prefix := _prefix(done, position):
                    for slot, outcome in zip(prefix, await reader.fetch(prefix), strict=True):
                        if outcome is None:
                            done[slot] = 0
                        elif slot == position:
                            position += 1
                            yield outcome

    @usage("as_completed", "its timeout by name: as_completed(timeout=10)")
    async def as_completed(
        self, *, timeout: float | None = None
    ) -> AsyncGenerator[Outcome[T], None]:
        """Yield outcomes in the order in which the jobs ended; what has ended comes at once.

        As `asyncio.as_completed`: raises TimeoutError after `timeout` seconds unless all have
        come; the others go on.

            async for outcome in batch.as_completed(timeout=10):
                print(outcome.slot, outcome.status)
        """
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        reader = BatchReader(self._collector, deadline)
        async with aclosing(reader.slots()) as ended:
            async for slots in ended:
                async for outcome in reader.outcomes(slots):
                    yield outcome

    @usage("wait", "options by name alone: wait(timeout=10)")
    async def wait(
        self, *, timeout: float | None = None, return_when: str = asyncio.ALL_COMPLETED
    ) -> tuple[set[Handle[T]], set[Handle[T]]]:
        """Wait as `asyncio.wait` does; return (done, pending), and cancel nothing.

        `return_when` is asyncio's own constant. The members are those of `handles()`: the same in
        every call, and futures, so the idioms of `asyncio.wait` hold. `timeout` is in seconds.
        Raises ValueError for a batch of no jobs, as asyncio does.

            done, pending = await batch.wait(timeout=10, return_when=asyncio.FIRST_COMPLETED)
            for handle in done:
                print(handle.slot, handle.exception() or handle.result())
        """
        group = self._handle_group()
        if group.handles:
            await group.catch_up()
        return await asyncio.wait(group.handles, timeout=timeout, return_when=return_when)

    def handles(self) -> Sequence[Handle[T]]:
        """Return one handle a job, in order: to await, cancel, or give to asyncio's functions.

        They are the same in every call, until a redrive:

            first = await asyncio.wait_for(batch.handles()[0], 10)
        """
        return self._handle_group().handles

    async def detach(self) -> None:
        """Leave the batch to run, as `asyncio.shield` does for one awaitable.

        From now on a handle that is cancelled, or whose awaiting is, ends here only: its job goes
        on. So does the batch if this producer dies: its lease is dropped. `cancel()` still cancels.
        Raises BatchNotFound where another batch was submitted under its id meanwhile.
        """
        self._detached = True
        if self._group is not None:
            self._group.detached = True
        self._session.leases.let_go(self.id)
        await self._collector.check_life()
        await self._session.retry(self._session.store.drop_lease, self.id)

    async def cancel(self, *slots: int, by: str = "producer") -> int:
        """Cancel these slots, or with none given all that is not finished.

        What is queued ends at once and is never run; what runs is asked to end, and gets
        `CancelledError`. A job that ends first keeps its outcome. `by` is what the outcomes say.
        Returns how many were ended or asked to end; raises TypeError, IndexError, BatchNotFound.

            await batch.cancel(0, 3, by="the cook")
        """
        check_slots(slots, self._size)
        await self._collector.check_life()
        return await batch_operations.cancel(self._session, self.id, slots, by)

    async def redrive(
        self, slots: Iterable[int] | None = None, error: str | None = None, *, by: str = "producer"
    ) -> int:
        """Run again, in place, what has ended and did not succeed; return how many jobs that are.

        With `slots` only these; with `error` only those of one error group: `error` is the
        `signature` of an outcome, or the beginning of it.

        They keep their slots, their attempts go on counting, and may be as many again; a deadline
        starts anew, and a cancellation or lease of the batch is lifted. This is the only way in
        which an outcome changes. Handles that have their outcome keep it; `handles()` and `wait()`
        give new ones. `by` is what the events of the queue say.

            if await batch.redrive():
                outcomes = await batch.outcomes()

        Raises BatchNotFound; TypeError and IndexError for slots; ValueError for what is no
        signature, or is the beginning of several.
        """
        chosen = None if slots is None else set(slots)
        check_slots(chosen or (), self._size)
        if error is not None:
            error = check_signature(error)
        await self._collector.check_life()
        _, statuses = await self._collector.completions(b"0")
        last = dict(statuses)
        kept = ("succeeded", REDRIVEN)
        ended = {slot: status for slot, status in last.items() if status not in kept}
        # A slot without a completion may have a result all the same, where Redis has lost entries.
        ended |= {slot: "" for slot in range(self._size) if slot not in last}
        if chosen is not None:
            ended = {slot: status for slot, status in ended.items() if slot in chosen}
            if not ended:
                await self.counts()  # raises BatchNotFound
                return 0
        count = await batch_operations.redrive(self._session, self.id, ended, error, by)
        if count:
            if self._group is not None:
                self._group.redriven(ended)
            self._group = None
        return count

    async def delete(self, *, by: str = "producer") -> None:
        """Remove the batch and all its jobs from Redis; those that run are cancelled.

        From then on every reader gets BatchNotFound. Raises it if there is no such batch. `by` is
        what the events of the queue say.
        """
        await self._collector.check_life()
        await batch_operations.delete(self._session, self.id, by)

    async def keep(self, seconds: float, *, by: str = "producer") -> None:
        """Let the batch stay in Redis for so many seconds: from now, or from its end.

        At least, that is: up to an eighth longer. In place of what its producer asked for, so the
        time may be shorter too. Raises InvalidCall for no usable number, and BatchNotFound.

            await batch.keep(7 * 86_400)
        """
        await self._collector.check_life()
        await batch_operations.keep(self._session, self.id, seconds, by)

    async def counts(self) -> Counts:
        """Return how many are running, succeeded, failed, ...; raises BatchNotFound."""
        await self._collector.check_life()
        counts = await self._session.retry(self._session.store.counts, self.id)
        if counts is None:
            raise BatchNotFound.gone(self.id, "its data")
        return counts

    def _handle_group(self) -> HandleGroup[T]:
        """Return the group of this batch's handles; a new one if the last could not go on."""
        if self._group is None or self._group.failed:
            return attach(self, [Handle() for _ in range(self._size)])
        return self._group


def job_names(batch: Batch[Any]) -> dict[str, int]:
    """Return how many jobs there are of each name; empty where this process does not know it."""
    names = batch._collector.names or ()
    return {names[0]: len(batch)} if len(names) == 1 else dict(Counter(names).most_common())


def attach(batch: Batch[T], handles: Sequence[Handle[T]]) -> HandleGroup[T]:
    """Settle these handles, one a slot, with the outcomes of the batch; return their group."""
    batch._group = group = HandleGroup(batch._collector, batch.cancel, handles)
    group.detached = batch._detached
    return group


async def stop(batch: Batch[Any]) -> None:
    """Cancel a batch for a caller that is being cancelled, and wait for its jobs to end."""
    await batch_operations.stop(batch._session, batch.id, len(batch))


def _prefix(done: bytearray, position: int) -> range:
    """Return the slots from `position` on that have ended, at most those of one round trip."""
    first = done.find(0, position, position + FETCH)
    return range(position, min(position + FETCH, len(done)) if first < 0 else first)
