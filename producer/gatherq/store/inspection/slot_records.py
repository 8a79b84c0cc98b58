"""All that Redis has of single slots, and of jobs without a batch, whatever their state."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.store.outside import FIELDS, NONE, PARKED, Outside, outside_of

from .parked_jobs import ParkedJobs
from .reading import Command, ask, ask_allowed, ask_partly

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace


#: Where a slot waits that its batch has not let into the queue yet.
OUTSIDE = "batch"


class SlotRecord(NamedTuple):
    """One slot, as raw bytes; None for a key that is not there."""

    slot: int
    result: bytes | None = None
    job: bytes | None = None
    #: Its place in the queue (ms): when it may be claimed, or when its lease ends.
    score: float | None = None
    #: Who holds it: `worker:attempt:claim`.
    token: bytes | None = None
    attempts: bytes | None = None
    #: Earlier attempts, as JSON.
    history: Sequence[bytes] = ()
    #: Where it waits, if limits hold it back: `batch`, outside of the queue; `lane:process`,
    #: `gate:NAME`; empty where nobody can tell, or for a job that none holds back.
    waits_at: str = ""

    @property
    def waits(self) -> bool:
        """Whether limits hold it back."""
        return self.waits_at == OUTSIDE or self.score == PARKED


class SlotRecords:
    """Reads slots; `ids` are the ids of their jobs by slot."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def sizes(self, ids: Mapping[int, str]) -> list[int]:
        """Return the bytes of each result; 0 where there is none, or this user may not ask."""
        commands = [("STRLEN", self._keys.result(id_)) for id_ in ids.values()]
        return [int(size or 0) for size in await ask_allowed(self._redis, commands)]

    async def read(self, ids: Mapping[int, str], batch: str = "") -> list[SlotRecord]:
        """Return each slot: one round trip for those that have ended, one more for the others.

        Two more where some are parked. `batch` is the one that they are slots of, if it is one.
        """
        if not ids:
            return []
        keys = [self._keys.result(id_) for id_ in ids.values()]
        (results,) = await ask(self._redis, [("MGET", *keys)])
        found = {
            slot: SlotRecord(slot, result)
            for slot, result in zip(ids, results, strict=True)
            if result is not None
        }
        unended = {slot: id_ for slot, id_ in ids.items() if slot not in found}
        if unended:
            found |= await self._parked(ids, await self._unended(unended, batch))
        return [found[slot] for slot in ids]

    async def _unended(self, ids: Mapping[int, str], batch: str) -> dict[int, SlotRecord]:
        # First: a slot that is admitted meanwhile stands in the queue, or has ended.
        optional: list[Command] = [("ZMSCORE", self._keys.again(batch), *ids)] if batch else []
        commands: list[Command] = [("HMGET", self._keys.batch(batch), *FIELDS)] if batch else []
        for id_ in ids.values():
            commands += [
                ("GET", self._keys.job(id_)),
                ("ZSCORE", self._keys.queue, id_),
                ("GET", self._keys.in_progress(id_)),
                ("GET", self._keys.retry(id_)),
                ("LRANGE", self._keys.attempts(id_), 0, -1),
                # Last, and once more: it may have ended meanwhile.
                ("GET", self._keys.result(id_)),
            ]
        again, answers = await ask_partly(self._redis, optional, commands)
        replies = iter(answers)
        outside = _outside(next(replies)) if batch else NONE
        # Who may not read which slots go first takes all for such.
        members = dict(zip(ids, again[0], strict=True)) if again and again[0] else {}
        found = {}
        for slot in ids:
            job, score, token, attempts, history, result = (next(replies) for _ in range(6))
            place = None if score is None else float(score)
            record = SlotRecord(slot, result, job, place, token, attempts, history or ())
            is_again = not members or members[slot] is not None
            if place is None and token is None and outside.may_have(slot, is_again=is_again):
                record = record._replace(waits_at=OUTSIDE)
            found[slot] = record
        return found

    async def _parked(
        self, ids: Mapping[int, str], found: dict[int, SlotRecord]
    ) -> dict[int, SlotRecord]:
        """Return the slots, those that are parked with where."""
        slots = [slot for slot, record in found.items() if record.score == PARKED]
        if slots:
            parked = ParkedJobs(self._redis, self._keys)
            places = await parked.places([ids[slot] for slot in slots])
            for slot, place in zip(slots, places, strict=True):
                found[slot] = found[slot]._replace(waits_at=place)
        return found


def _outside(fields: Any) -> Outside:
    return outside_of(dict(zip(FIELDS, fields, strict=True))) if fields else NONE
