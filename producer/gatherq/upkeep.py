"""What both sides do about a whole batch, in runs that stay well below 5 ms a script call."""

from typing import TYPE_CHECKING, NamedTuple

from . import keys
from .scripts import Script

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Slots that one script call ends; and that it extends or deletes, which is less work.
RUN = 100
_EASY_RUN = 250


class Swept(NamedTuple):
    """Slots ended, slots still running, and seconds until it makes sense to look again, if ever."""

    ended: int
    running: int
    again: float | None


class Upkeep:
    """Ends what may not run any more, lets ended batches stay, or removes them."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._sweep, self._extend = Script("sweep"), Script("extend")
        self._delete = Script("delete")

    async def sweep(self, batch: str, *, force: bool = False) -> Swept | None:
        """End what is queued and cancelled or too late; None if the batch is not in Redis.

        One call where nothing is due, or, unless `force`, all was looked through lately.
        """
        key = (self._queue, keys.cancel(self._queue))
        first, size, ended, running, again = 0, 1, 0, 0, -1
        while first < size:
            argv = (keys.PREFIXES, batch, first, RUN, int(force), again)
            found = await self._sweep(self._redis, key, argv)
            if found is None:
                return None
            size, again, first = found[0], found[3], first + RUN
            ended, running = ended + found[1], running + found[2]
            if found[4]:
                await self.extend(batch)
        return Swept(ended, running, again / 1000 if again >= 0 else None)

    async def delete(self, batch: str) -> bool:
        """Remove all that there is of a batch; False if there is nothing."""
        key = (self._queue, keys.cancel(self._queue), keys.batch(batch))
        first, size = 0, 1
        while first < size:
            argv = (keys.PREFIXES, batch, first, _EASY_RUN, keys.control(self._queue))
            size = await self._delete(self._redis, key, argv)
            if not first and not size:
                return False
            first += _EASY_RUN
        return True

    async def extend(self, batch: str) -> None:
        """Let an ended batch stay from now on for as long as was asked at its submission."""
        first, size, expires = 0, 1, b""
        while first < size:
            argv = (keys.PREFIXES, batch, first, _EASY_RUN, expires)
            size, expires = await self._extend(self._redis, (keys.batch(batch),), argv)
            first += _EASY_RUN
