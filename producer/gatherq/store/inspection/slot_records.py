"""All that Redis has of single slots, and of jobs without a batch, whatever their state."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .reading import Command, ask, ask_allowed

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace


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


class SlotRecords:
    """Reads slots; `ids` are the ids of their jobs by slot."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def sizes(self, ids: Mapping[int, str]) -> list[int]:
        """Return the bytes of each result; 0 where there is none, or this user may not ask."""
        commands = [("STRLEN", self._keys.result(id_)) for id_ in ids.values()]
        return [int(size or 0) for size in await ask_allowed(self._redis, commands)]

    async def read(self, ids: Mapping[int, str]) -> list[SlotRecord]:
        """Return each slot: one round trip for those that have ended, one more for the others."""
        if not ids:
            return []
        keys = [self._keys.result(id_) for id_ in ids.values()]
        (results,) = await ask(self._redis, [("MGET", *keys)])
        found = {
            slot: SlotRecord(slot, result)
            for slot, result in zip(ids, results, strict=True)
            if result is not None
        }
        found |= await self._unended({slot: id_ for slot, id_ in ids.items() if slot not in found})
        return [found[slot] for slot in ids]

    async def _unended(self, ids: Mapping[int, str]) -> dict[int, SlotRecord]:
        commands: list[Command] = []
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
        replies = iter(await ask(self._redis, commands)) if commands else iter(())
        found = {}
        for slot in ids:
            job, score, token, attempts, history, result = (next(replies) for _ in range(6))
            place = None if score is None else float(score)
            found[slot] = SlotRecord(slot, result, job, place, token, attempts, history or ())
        return found
