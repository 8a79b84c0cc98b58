"""What a producer asks of Redis. Nothing else on this side speaks to it."""

from typing import TYPE_CHECKING, Any, NamedTuple

from . import codec, keys
from .scripts import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis


#: Slots that one script call ends: it stays well below 5 ms.
_RUN = 250


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
        self._cancel, self._sweep = Script("cancel", "ending"), Script("sweep", "ending")

    async def submit(
        self, batch: str, size: int, keep: float, first: int, jobs: "Sequence[bytes]"
    ) -> int:
        """Write jobs from slot `first` on; return the size of the batch under that id."""
        key = (self._queue, keys.batch(batch), keys.wake(self._queue))
        argv = (batch, size, round(keep * 1000), first, keys.JOB, keys.RESULT, *jobs)
        return int(await self._submit(self._redis, key, argv))

    async def cancel(self, batch: str, slots: "Sequence[int] | None", by: str) -> int | None:
        """Cancel slots, or all with None; return how many were ended or asked to end.

        None: there is no such batch in Redis.
        """
        key = (self._queue, keys.cancel(self._queue))
        count = 0
        wanted = [] if slots is None else sorted(set(slots))
        for start in range(0, max(len(wanted), 1), _RUN):
            run = codec.encode(wanted[start : start + _RUN])
            argv = (keys.PREFIXES, batch, by, keys.control(self._queue), run)
            found = await self._cancel(self._redis, key, argv)
            if found is None:
                return None
            count += found[1] + found[2]
        return await self.sweep(batch) if slots is None else count

    async def sweep(self, batch: str) -> int | None:
        """End what is queued and may not run any more, slot by slot in runs.

        Returns how many ended here or are running still; None if the batch is not in Redis.
        """
        key = (self._queue, keys.cancel(self._queue))
        first, size, count = 0, 1, 0
        while first < size:
            argv = (keys.PREFIXES, batch, first, _RUN)
            found = await self._sweep(self._redis, key, argv)
            if found is None:
                return None
            size, first = found[0], first + _RUN
            count += found[1] + found[2]
        return count

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
