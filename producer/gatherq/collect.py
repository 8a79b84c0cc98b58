"""Reads what became of the jobs of one batch. Reading consumes nothing."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Sequence,
)
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from . import wire
from .codec import Decoder
from .errors import BatchNotFound
from .link import Link
from .outcomes import Failed, Outcome, Succeeded
from .redrive import REDRIVEN
from .remote import ErrorInfo
from .stream import Words, latest

T = TypeVar("T")
R = TypeVar("R")

#: Results fetched in one round trip.
FETCH = 128
#: Seconds after which a slot that is redriven is looked for again.
_LOOK_AGAIN = 1.0


class Collector(Generic[T]):
    """Completions and outcomes of one batch, for any number of readers."""

    def __init__(
        self, link: Link, batch: str, size: int, decoders: Sequence[Decoder | None] | None = None
    ) -> None:
        self.link, self.batch, self.size = link, batch, size
        self._decoders = decoders

    async def completions(self, deadline: float | None = None) -> AsyncGenerator[list[int], None]:
        """Yield slots as their jobs end, each once, until all have.

        Raises TimeoutError at `deadline`, on the loop's clock, after what had ended by then.
        """
        seen, left = bytearray(self.size), self.size
        if not left:
            return
        reader = self.link.watcher.join(self.batch)
        try:
            while left:
                late = False
                try:
                    async with asyncio.timeout_at(deadline):
                        found = await reader.take()
                except TimeoutError:
                    late, (_, found) = True, await self.ended(b"0")
                slots = list(_fresh(found, seen))
                left = seen.count(0)
                if not left:  # before it is told, so that the watcher need not read on
                    self.link.watcher.leave(self.batch, reader)
                if slots:
                    yield slots
                if late and left:
                    raise TimeoutError
        finally:
            self.link.watcher.leave(self.batch, reader)

    async def ended(self, after: bytes) -> tuple[bytes, Words]:
        """Return (position, words) of what has ended by now and since `after`; never waits."""
        words: Words = []
        while True:
            after, found = await self.retry(
                lambda: self.link.store.completions(self.batch, after)  # noqa: B023
            )
            if not found:
                return after, latest(words)
            words += found

    async def outcomes(self, slots: Sequence[int]) -> AsyncIterator[Outcome[T]]:
        """Yield the outcomes of slots that have ended."""
        for start in range(0, len(slots), FETCH):
            for outcome in await self.fetch(slots[start : start + FETCH]):
                yield outcome

    async def fetch(self, slots: Sequence[int]) -> list[Outcome[T]]:
        """Return the outcomes of slots that have ended, in one round trip."""
        found = await self.retry(lambda: self.link.store.results(self.batch, slots))
        if None in found:
            found = await self._fetch_redriven(slots)
        return [self._decode(slot, raw) for slot, raw in zip(slots, found, strict=True)]

    async def _fetch_redriven(self, slots: Sequence[int]) -> list[bytes | None]:
        """Wait for slots that were redriven after they had been read as ended, to end again."""
        store = self.link.store
        while True:
            after = await self.retry(partial(store.position, self.batch))
            found = await self.retry(partial(store.results, self.batch, slots))
            missing = [slot for slot, raw in zip(slots, found, strict=True) if raw is None]
            if not missing or not await self.retry(partial(store.redriven, self.batch, missing)):
                return found
            await self.retry(partial(store.completions, self.batch, after, _LOOK_AGAIN))

    async def retry(self, attempt: Callable[[], Awaitable[R]]) -> R:
        """Go on while Redis is away, as long as the producer's patience lasts."""
        return await self.link.retrying(attempt)

    def _decode(self, slot: int, raw: bytes | None) -> Outcome[T]:
        if raw is None:
            raise BatchNotFound.gone(self.batch, f"the result of slot {slot}")
        outcome = wire.decode_result(raw)
        decode = self._decoders[slot] if self._decoders else None
        if decode is None or not isinstance(outcome, Succeeded):
            return outcome
        try:
            return outcome.model_copy(update={"value": decode(outcome.value)})
        except ValidationError as error:
            return _not_as_annotated(outcome, error)


def _fresh(words: Words, seen: bytearray) -> Iterator[int]:
    for slot, status in words:
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
