"""Reads what became of the jobs of one batch. Reading consumes nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

from gatherq.client.session import Session
from gatherq.contract.outcomes import Outcome
from gatherq.contract.values.codec import Decoder
from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.store.completions import Words, latest
from gatherq.store.server.errors import code
from gatherq.store.slot_states import SlotState

from .janitor import FOUND
from .result_reader import lost, outcome_of, unreadable

T = TypeVar("T")
R = TypeVar("R")

#: Results fetched in one round trip.
FETCH = 128


class Collector(Generic[T]):
    """Outcomes of one batch, for any number of readers."""

    def __init__(
        self,
        session: Session,
        batch: str,
        size: int,
        decoders: Sequence[Decoder | None] | None = None,
    ) -> None:
        self.session, self.batch, self.size = session, batch, size
        self._decoders = decoders

    async def ended(self, after: bytes) -> tuple[bytes, Words]:
        """Return (position, words) of what has ended by now and since `after`; never waits."""
        words: Words = []
        while True:
            try:
                after, found = await self.retry(
                    lambda: self.session.store.completions(self.batch, after)  # noqa: B023
                )
            except RedisUnavailable as error:
                if code(error.__cause__) != "WRONGTYPE":
                    raise
                return after, await self._recorded()
            if not found:
                return after, latest(words)
            words += found

    async def fetch(self, slots: Sequence[int]) -> list[Outcome[T] | None]:
        """Return the outcomes of slots, None for each that has not ended, whatever was said."""
        found = await self.retry(lambda: self.session.store.results(self.batch, slots))
        if None not in found:
            return [self._outcome(slot, raw or b"") for slot, raw in zip(slots, found, strict=True)]
        missed = [slot for slot, raw in zip(slots, found, strict=True) if raw is None]
        standings = await self._standings(missed)
        return [
            self._judged(slot, standings[slot]) if raw is None else self._outcome(slot, raw)
            for slot, raw in zip(slots, found, strict=True)
        ]

    async def outcomes(self, slots: Sequence[int]) -> AsyncIterator[Outcome[T]]:
        """Yield the outcomes of those of these slots that have ended."""
        for run in runs(slots):
            for outcome in await self.fetch(run):
                if outcome is not None:
                    yield outcome

    async def retry(self, attempt: Callable[[], Awaitable[R]]) -> R:
        """Go on while Redis is away, as long as the producer's patience lasts."""
        return await self.session.retrying(attempt)

    async def _recorded(self) -> Words:
        words: Words = []
        for run in runs(range(self.size)):
            slots = await self.retry(lambda: self.session.store.recorded(self.batch, run))  # noqa: B023
            words += [(slot, FOUND) for slot in slots]
        return words

    async def _standings(self, slots: Sequence[int]) -> dict[int, SlotState]:
        found = await self.retry(lambda: self.session.store.standings(self.batch, slots))
        if found is None:
            raise BatchNotFound.gone(self.batch, "its data")
        return dict(zip(slots, found, strict=True))

    def _judged(self, slot: int, standing: SlotState) -> Outcome[T] | None:
        if standing.result is not None:
            return self._outcome(slot, standing.result)
        if standing.queued:
            return None
        if standing.foreign:
            return unreadable(self.batch, slot, "it is no string")
        return lost(self.batch, slot)

    def _outcome(self, slot: int, raw: bytes) -> Outcome[T]:
        decode = self._decoders[slot] if self._decoders else None
        return outcome_of(raw, self.batch, slot, decode)


def runs(slots: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut slots into those of one round trip."""
    return (slots[start : start + FETCH] for start in range(0, len(slots), FETCH))
