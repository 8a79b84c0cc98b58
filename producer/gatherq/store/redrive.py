"""Running again what did not succeed, in place."""

from typing import TYPE_CHECKING

from gatherq.contract import keys, records

from .script import Script
from .server.connection import database_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

#: What a completion entry says of a slot whose completion is taken back.
REDRIVEN = "redriven"


class Redrive:
    """Puts slots back into the queue."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._channel = keys.control(queue, database_of(redis))
        self._redrive = Script("redrive")

    async def described(self, batch: str, ended: "Mapping[int, str]") -> list[list[object]]:
        """Return what the step is to know of slots that ended with these statuses."""
        results = await self._redis.mget([keys.result(keys.job_id(batch, n)) for n in ended])
        found = zip(ended.items(), results, strict=True)
        described = [_described(slot, status, payload) for (slot, status), payload in found]
        return [each for each in described if each]

    async def put_back(
        self, batch: str, first: bool, slots: "Sequence[list[object]]", request: str
    ) -> int | None:
        """Put back those that ended so; return how many, None for no batch.

        Repeated with the same `request`, it changes nothing and returns the same.
        """
        key = (self._queue, keys.wake(self._queue))
        argv: list[object] = [keys.PREFIXES, batch, int(first), request, self._channel]
        for slot in slots:
            argv += slot
        found = int(await self._redrive(self._redis, key, argv))
        return None if found < 0 else found


def _described(slot: int, status: str, payload: bytes | None) -> list[object]:
    try:
        ended = records.Ended.read(payload or b"")
        entries = ended.entries()
    except Exception:  # damaged, or gone: its status is known from its completion, if it ended
        return [slot, 0, status, (payload or b"")[:64], 0] if status else []
    return [slot, ended.attempt, ended.status, ended.head, len(entries), *entries]
