"""What a producer asks of Redis. Nothing else on this side speaks to it."""

from typing import TYPE_CHECKING, Any, NamedTuple

from . import keys
from .scripts import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis


class Counts(NamedTuple):
    """How a batch stands, by slot."""

    size: int
    running: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    lost: int

    @property
    def finished(self) -> int:
        """Slots with an outcome."""
        return sum(self[2:])


class Store:
    """Submit, read completions, fetch results."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._submit = Script("submit")

    async def submit(
        self, batch: str, size: int, keep: float, first: int, jobs: "Sequence[bytes]"
    ) -> int:
        """Write jobs from slot `first` on; return the size of the batch under that id."""
        key = (self._queue, keys.batch(batch), keys.wake(self._queue))
        argv = (batch, size, round(keep * 1000), first, keys.JOB, keys.RESULT, *jobs)
        return int(await self._submit(self._redis, key, argv))

    async def counts(self, batch: str) -> Counts | None:
        """Return how the batch stands, or None if it is not in Redis."""
        found = await self._redis.execute_command(
            "HMGET", keys.batch(batch), *(field for field in Counts._fields)
        )
        return None if found[0] is None else Counts(*(max(int(n or 0), 0) for n in found))

    async def completions(
        self, batch: str, after: bytes, block: float
    ) -> tuple[bytes, list[tuple[int, str]]]:
        """Return (position, [(slot, status), ...]) completed after `after`; waits `block` s."""
        reply = await self._redis.xread(
            {keys.done(batch): after}, count=256, block=int(block * 1000)
        )
        if not reply:
            return after, []
        entries: list[tuple[bytes, dict[bytes, bytes]]] = reply[0][1]
        return entries[-1][0], [
            (int(slot), status.decode()) for _, pairs in entries for slot, status in pairs.items()
        ]

    async def results(self, batch: str, slots: "Sequence[int]") -> list[bytes | None]:
        """Return the stored result of each slot."""
        wanted = [keys.result(keys.job_id(batch, slot)) for slot in slots]
        found: list[Any] = await self._redis.execute_command("MGET", *wanted)
        return found
