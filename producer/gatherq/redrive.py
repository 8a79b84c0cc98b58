"""Running again what did not succeed, in place."""

from itertools import islice
from typing import TYPE_CHECKING

from . import keys, wire
from .scripts import Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redis.asyncio import Redis

#: Slots that one script call puts back: their histories go with it.
_RUN = 50
#: What a completion entry says of a slot whose completion is taken back.
REDRIVEN = "redriven"


class Redrive:
    """Puts slots back into the queue."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._redrive = Script("redrive")

    async def __call__(self, batch: str, slots: "Iterable[int]") -> int | None:
        """Put back those that ended otherwise than well; return how many, None for no batch."""
        key = (self._queue, keys.batch(batch), keys.done(batch), keys.wake(self._queue))
        count, first = 0, 1
        for run in _runs(slots):
            results = await self._redis.mget([keys.result(keys.job_id(batch, n)) for n in run])
            argv: list[object] = [keys.PREFIXES, batch, first]
            for slot, payload in zip(run, results, strict=True):
                if payload is not None:
                    argv += _described(slot, payload)
            found = int(await self._redrive(self._redis, key, argv))
            if found < 0:
                return None
            count, first = count + found, 0
        return count


def _described(slot: int, payload: bytes) -> list[object]:
    ended = wire.Ended.read(payload)
    entries = ended.entries()
    return [slot, ended.attempt, ended.status, ended.head, len(entries), *entries]


def _runs(slots: "Iterable[int]") -> "Iterator[Sequence[int]]":
    """Cut into runs; one, empty, for no slots."""
    rest = iter(slots)
    run = list(islice(rest, _RUN))
    while True:
        yield run
        run = list(islice(rest, _RUN))
        if not run:
            return
