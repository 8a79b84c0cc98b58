"""A batch that was submitted: its outcomes, in order or as they complete."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from . import wire
from .errors import BatchNotFound
from .outcomes import Failed, Outcome, Succeeded
from .redrive import REDRIVEN
from .remote import ErrorInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from .codec import Decoder
    from .retrying import Retrying
    from .store import Counts, Store

T = TypeVar("T")
R = TypeVar("R")


#: Seconds of silence after which a collector looks whether its batch is still there.
_LOOK_AGAIN = 1.0
#: Results fetched in one round trip.
_FETCH = 128


class Batch(Generic[T]):
    """A handle on a submitted batch. Reading consumes nothing: any number may read, at any time."""

    def __init__(
        self,
        store: Store,
        batch_id: str,
        size: int,
        retrying: Retrying,
        decoders: Sequence[Decoder | None] | None = None,
    ) -> None:
        self.id = batch_id
        self._size = size
        self._store = store
        self._retrying = retrying
        self._decoders = decoders

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"<Batch {self.id} of {self._size}>"

    async def outcomes(self) -> list[Outcome[T]]:
        """Wait for all, and return one outcome a job, in the order they were submitted."""
        return [outcome async for outcome in self]

    async def __aiter__(self) -> AsyncIterator[Outcome[T]]:
        """Yield outcomes in the order they were submitted, as soon as the prefix is complete."""
        done = bytearray(self._size)
        position = 0
        async for slots in self._completions():
            for slot in slots:
                done[slot] = 1
            ready = done.find(0, position)
            ready = self._size if ready < 0 else ready
            while position < ready:
                upto = min(position + _FETCH, ready)
                for outcome in await self._fetch(range(position, upto)):
                    yield outcome
                position = upto

    async def as_completed(self) -> AsyncIterator[Outcome[T]]:
        """Yield outcomes in the order in which the jobs ended."""
        async for slots in self._completions():
            for start in range(0, len(slots), _FETCH):
                for outcome in await self._fetch(slots[start : start + _FETCH]):
                    yield outcome

    async def cancel(self, *slots: int, by: str = "producer") -> int:
        """Cancel these slots, or with none given all that is not finished.

        What is queued ends at once and is never run; what runs is asked to end, and gets
        `CancelledError`. A job that ends first keeps its outcome. `by` is what the outcomes say.
        Returns how many were ended or asked to end; raises IndexError, BatchNotFound.
        """
        for slot in slots:
            if not 0 <= slot < self._size:
                raise IndexError(f"batch {self.id} has slots 0 to {self._size - 1}, not {slot}")
        count = await self._retry(lambda: self._store.cancel(self.id, slots or None, by))
        if count is None:
            raise self._gone("its data")
        return count

    async def redrive(self) -> int:
        """Run again, in place, what has ended and did not succeed; return how many jobs that are.

        They keep their slots, their attempts go on counting, and may be as many again; a deadline
        starts anew, and a cancellation or lease of the batch is lifted. This is the only way in
        which an outcome changes. Handles that have read one do not see the new one; read the
        batch again. Raises BatchNotFound.
        """
        count = await self._retry(lambda: self._store.redrive(self.id))
        if count is None:
            raise self._gone("its data")
        return count

    async def delete(self) -> None:
        """Remove all that there is of the batch; what runs of it is cancelled.

        Whoever reads it then gets BatchNotFound, as does the caller if it has gone already.
        """
        if not await self._retry(lambda: self._store.delete(self.id)):
            raise self._gone("its data")

    async def counts(self) -> Counts:
        """Return how many are running, succeeded, failed, ...; raises BatchNotFound."""
        counts = await self._retry(lambda: self._store.counts(self.id))
        if counts is None:
            raise self._gone("its data")
        return counts

    async def _completions(self) -> AsyncIterator[list[int]]:
        """Yield slots as they complete, each once, until all have."""
        seen = bytearray(self._size)
        left, after, look = self._size, b"0", _LOOK_AGAIN
        while left:
            after, done = await self._retry(
                lambda: self._store.completions(self.id, after, look)  # noqa: B023
            )
            slots = list(_fresh(done, seen))
            left = seen.count(0)
            if slots:
                yield slots
            else:  # with no worker alive, nobody else ends what is too late
                swept = await self._retry(lambda: self._store.sweep(self.id))
                if swept is None:
                    raise self._gone("its data")
                look = min(_LOOK_AGAIN, max(swept.again or _LOOK_AGAIN, 0.01))

    async def _fetch(self, slots: Sequence[int]) -> list[Outcome[T]]:
        found = await self._retry(lambda: self._store.results(self.id, slots))
        if None in found:
            found = await self._fetch_redriven(slots)
        return [self._decode(slot, raw) for slot, raw in zip(slots, found, strict=True)]

    async def _fetch_redriven(self, slots: Sequence[int]) -> list[bytes | None]:
        """Wait for slots that were redriven after they had been read as ended, to end again."""
        while True:
            after = await self._retry(lambda: self._store.position(self.id))
            found = await self._retry(lambda: self._store.results(self.id, slots))
            missing = [slot for slot, raw in zip(slots, found, strict=True) if raw is None]
            if not missing or not await self._retry(
                partial(self._store.redriven, self.id, missing)
            ):
                return found
            await self._retry(partial(self._store.completions, self.id, after, _LOOK_AGAIN))

    def _decode(self, slot: int, raw: bytes | None) -> Outcome[T]:
        if raw is None:
            raise self._gone(f"the result of slot {slot}")
        outcome = wire.decode_result(raw)
        decode = self._decoders[slot] if self._decoders else None
        if decode is None or not isinstance(outcome, Succeeded):
            return outcome
        try:
            return outcome.model_copy(update={"value": decode(outcome.value)})
        except ValidationError as error:
            return _not_as_annotated(outcome, error)

    def _gone(self, what: str) -> BatchNotFound:
        return BatchNotFound(
            f"batch {self.id}: {what} is no longer in Redis; it expired, or Redis was flushed "
            "or restarted without persistence",
            batch_id=self.id,
        )

    async def _retry(self, attempt: Callable[[], Awaitable[R]]) -> R:
        return await self._retrying(attempt)


def _fresh(done: list[tuple[int, str]], seen: bytearray) -> Iterator[int]:
    for slot, status in done:
        if slot >= len(seen):
            continue
        if status == REDRIVEN:
            seen[slot] = 0
        elif not seen[slot]:
            seen[slot] = 1
            yield slot


def _not_as_annotated(outcome: Succeeded[Any], error: ValidationError) -> Failed:
    message = f"the result is not of the annotated type: {error.errors()[0]['msg']}"
    identity = outcome.model_dump(exclude={"status", "value"})
    return Failed(error=ErrorInfo(type="TypeError", message=message), **identity)
