"""Reads the outcomes of the jobs of one batch. Reading consumes nothing."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from gatherq.contract.outcomes import Outcome, Succeeded
from gatherq.contract.values.codec import Decoder
from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.store.completions import SlotStatuses, is_another, latest
from gatherq.store.server.errors import code
from gatherq.store.slot_states import SlotState

from .janitor import FOUND
from .result_reader import lost, outcome_of, unreadable

if TYPE_CHECKING:  # the session has a watcher, which is of this folder
    from gatherq.client.session import Session

T = TypeVar("T")

#: Results fetched in one round trip.
FETCH = 128
_NO_RESULTS: Mapping[int, bytes] = MappingProxyType({})


class Collector(Generic[T]):
    """Outcomes of one batch, for any number of readers.

    `names` are those of its jobs, one for each slot or one for all, where they are known; `life` is
    what tells it from others under its id, where there may be any.
    """

    def __init__(
        self,
        session: "Session",
        batch: str,
        size: int,
        decoders: Sequence[Decoder | None] | None = None,
        names: Sequence[str] | None = None,
        life: str = "",
    ) -> None:
        self.session = session
        self.batch = batch
        self.size = size
        self.names = names
        self.life = life
        self._decoders, self._keys = decoders, session.store.keys

    async def check_life(self) -> None:
        """Raise BatchNotFound where another batch stands under its id by now."""
        if self.life:
            found = await self.session.retry(self.session.store.identity, self.batch)
            if found and is_another(found.life, self.life):
                raise BatchNotFound.replaced(self.batch)

    async def completions(self, after: bytes) -> tuple[bytes, SlotStatuses]:
        """Return (position, statuses) of the completions by now and since `after`; never waits."""
        statuses: SlotStatuses = []
        while True:
            try:
                after, page = await self.session.retry(
                    self.session.store.completions.read, self.batch, after
                )
            except RedisUnavailable as error:
                if code(error.__context__) != "WRONGTYPE":
                    raise
                return after, await self._recorded()
            if not page:
                return after, latest(statuses)
            statuses += page

    async def fetch(
        self, slots: Sequence[int], known: Mapping[int, bytes] = _NO_RESULTS
    ) -> list[Outcome[T] | None]:
        """Return the outcomes of slots; None for one without, whatever its completion says.

        Redis is asked for those whose results are not `known`, or cannot be read. Raises
        BatchNotFound.
        """
        found: dict[int, Outcome[T] | None] = {}
        for slot in known.keys() & set(slots):
            outcome = self._outcome(slot, known[slot])
            if isinstance(outcome, Succeeded):  # as all that are brought along
                found[slot] = outcome
        rest = [slot for slot in slots if slot not in found]
        if rest:
            found.update(zip(rest, await self._ask_for(rest), strict=True))
        return [found[slot] for slot in slots]

    async def _ask_for(self, slots: Sequence[int]) -> list[Outcome[T] | None]:
        """Return the outcomes of slots as Redis has them now."""
        results = await self.session.retry(self.session.store.results, self.batch, slots, self.life)
        if results is None:
            raise BatchNotFound.replaced(self.batch)
        if None not in results:
            return [
                self._outcome(slot, raw or b"") for slot, raw in zip(slots, results, strict=True)
            ]
        without = [slot for slot, raw in zip(slots, results, strict=True) if raw is None]
        states = await self._states(without)
        return [
            self._outcome_by_state(slot, states[slot]) if raw is None else self._outcome(slot, raw)
            for slot, raw in zip(slots, results, strict=True)
        ]

    async def outcomes(self, slots: Sequence[int]) -> AsyncIterator[Outcome[T]]:
        """Yield the outcomes of those of these slots that have ended."""
        for chunk in chunks(slots):
            for outcome in await self.fetch(chunk):
                if outcome is not None:
                    yield outcome

    async def _recorded(self) -> SlotStatuses:
        """Look for results of all slots, where the stream of completions cannot be read."""
        statuses: SlotStatuses = []
        for chunk in chunks(range(self.size)):
            slots = await self.session.retry(
                self.session.store.slot_states.recorded, self.batch, chunk
            )
            statuses += [(slot, FOUND) for slot in slots]
        return statuses

    async def _states(self, slots: Sequence[int]) -> dict[int, SlotState]:
        states = await self.session.retry(self.session.store.slot_states.read, self.batch, slots)
        if states is None:
            raise BatchNotFound.gone(self.batch, "its data")
        return dict(zip(slots, states, strict=True))

    def _outcome_by_state(self, slot: int, state: SlotState) -> Outcome[T] | None:
        """Return the outcome of a slot that MGET found no result of; None if it is queued."""
        if state.result is not None:
            return self._outcome(slot, state.result)
        if state.queued:
            return None
        if state.wrong_type:
            return unreadable(self._keys, self.batch, slot, "it is no string")
        return lost(self._keys, self.batch, slot)

    def _outcome(self, slot: int, raw: bytes) -> Outcome[T]:
        decode = self._decoders[slot] if self._decoders else None
        return outcome_of(raw, self._keys, self.batch, slot, decode)


def chunks(slots: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut slots into those of one round trip."""
    return (slots[start : start + FETCH] for start in range(0, len(slots), FETCH))
