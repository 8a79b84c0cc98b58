"""What both sides do about a whole batch, in runs that stay well below 5 ms a script call."""

from typing import TYPE_CHECKING, NamedTuple

from gatherq.contract import keys
from gatherq.contract.validation import MAX_JOBS
from gatherq.contract.values import codec

from .script import Script
from .server.connection import database_of
from .wrong_type import unless_foreign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

#: Slots that one script call ends; and that it extends or deletes, which is less work.
RUN = 100
_EASY_RUN = 250


class Swept(NamedTuple):
    """Slots ended, slots still running, and seconds until it makes sense to look again, if ever."""

    ended: int
    running: int
    again: float | None
    #: Redis's time, in ms.
    now: int = 0


class Mended(NamedTuple):
    """Slots that have a result now, and how many slots of the batch its producer has written."""

    ended: list[int]
    written: int


class BatchMaintenance:
    """Ends what may not run any more, lets batches stay, or removes them."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._channel = keys.control(queue, database_of(redis))
        self._sweep, self._extend = Script("sweep"), Script("extend")
        self._delete, self._mend = Script("delete"), Script("mend")

    async def sweep(
        self, batch: str, *, force: bool = False, contact: tuple[int, int] = (0, 0)
    ) -> Swept | None:
        """End what is queued and cancelled or too late; None if the batch is not in Redis.

        One call where nothing is due, or, unless `force`, all was looked through lately. `contact`
        tells since when and until when this process was in contact with Redis (ms).
        """
        key = (self._queue, keys.cancel(self._queue))
        first, size, ended, running, again, now = 0, 1, 0, 0, -1, 0
        while first < size:
            argv = (keys.PREFIXES, batch, first, RUN, int(force), again, *contact, self._channel)
            found = await self._sweep(self._redis, key, argv)
            if found is None:
                return None
            size, again, now, first = found[0], found[3], int(found[5]), first + RUN
            ended, running = ended + found[1], running + found[2]
            if found[4]:
                await self.extend(batch)
        return Swept(ended, running, again / 1000 if again >= 0 else None, now)

    async def mend(self, batch: str, slots: "Sequence[int]", written: int) -> Mended | None:
        """Put back, or end, what Redis has lost of these slots (some 250 at the most).

        `written` is what the look before returned, -1 at first: what its producer has not written
        since then it will not write. None if the batch is not in Redis.
        """
        key = (self._queue, keys.cancel(self._queue), keys.wake(self._queue))
        argv = (keys.PREFIXES, batch, codec.encode(list(slots)), written, self._channel)
        found = await self._mend(self._redis, key, argv)
        if found is None:
            return None
        if found[2]:
            await self.extend(batch)
        return Mended([int(slot) for slot in found[1]], int(found[0]))

    async def size_of(self, batch: str) -> int:
        """Return how many slots a batch has, also one that is being deleted; 0 for no batch."""
        wanted = self._redis.execute_command("HMGET", keys.batch(batch), "size", "deleting")
        found = await unless_foreign(wanted) or []
        sizes = [int(n) for n in found if n is not None and n.isdigit() and len(n) < 16]
        sizes = [n for n in sizes if n <= MAX_JOBS]  # else it is damaged
        return max(sizes, default=0) if any(found) else 0

    async def delete(self, batch: str, first: int) -> int:
        """Remove a run of slots, and with the last run the batch; return the next slot, or 0."""
        key = (self._queue, keys.cancel(self._queue), keys.batch(batch))
        argv = (keys.PREFIXES, batch, first, _EASY_RUN, self._channel)
        size = await self._delete(self._redis, key, argv)
        return first + _EASY_RUN if first + _EASY_RUN < size else 0

    async def extend(self, batch: str) -> None:
        """Let a batch stay from now on: an ended one as long as was asked, another as it needs."""
        first, size, expires = 0, 1, b""
        while first < size:
            argv = (keys.PREFIXES, batch, first, _EASY_RUN, expires)
            size, expires = await self._extend(self._redis, (keys.batch(batch),), argv)
            first += _EASY_RUN
