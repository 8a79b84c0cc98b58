"""Maintenance of a whole batch: sweep, mend, extend, delete.

Each script call handles a bounded chunk of slots, so that no call keeps Redis busy for 5 ms.
"""

from typing import TYPE_CHECKING, NamedTuple

from gatherq.contract.validation import MAX_JOBS
from gatherq.contract.values import codec

from .completions import life_in
from .script import script
from .wrong_type import unless_wrong_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

#: Slots that one script call ends; and that one call extends or deletes, which is less work.
CHUNK = 100
_LARGE_CHUNK = 250


class SweepReply(NamedTuple):
    """Slots that a sweep ended, and slots that still run."""

    ended: int
    running: int
    #: Seconds until the next sweep makes sense; None: it never does.
    again: float | None
    #: Redis's time, in ms.
    now: int = 0


class MendReply(NamedTuple):
    """Slots that have a result now, and how many slots of the batch its producer has written."""

    ended: list[int]
    written: int
    #: Tells the batch from others under its id.
    life: str = ""


class BatchMaintenance:
    """Ends what must not run any more, lets batches stay, or removes them."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys
        self._sweep = script("batch/sweep").bind(redis, keys, n=CHUNK)
        self._mend = script("batch/mend").bind(redis, keys)
        self._delete = script("batch/delete").bind(redis, keys, n=_LARGE_CHUNK)
        self._extend = script("batch/extend").bind(redis, keys, n=_LARGE_CHUNK)

    async def sweep(
        self, batch: str, *, force: bool = False, contact: tuple[int, int] = (0, 0)
    ) -> SweepReply | None:
        """End queued jobs that are cancelled or late; None if the batch is not in Redis.

        Makes a single call where nothing is due, and (unless `force`) where a sweep has looked
        through all slots in the last seconds. `contact` tells since when and until when this
        process was in contact with Redis (ms).
        """
        first, size, ended, running, again, now = 0, 1, 0, 0, -1, 0
        since, last = contact
        while first < size:
            reply = await self._sweep(
                batch_id=batch,
                first=first,
                force=int(force),
                next_before=again,
                contact_since=since,
                contact_last=last,
            )
            if reply is None:
                return None
            size, again, now, first = reply[0], reply[3], int(reply[5]), first + CHUNK
            ended, running = ended + reply[1], running + reply[2]
            if reply[4]:
                await self.extend(batch)
        return SweepReply(ended, running, again / 1000 if again >= 0 else None, now)

    async def mend(self, batch: str, slots: "Sequence[int]", written: int) -> MendReply | None:
        """Queue again, or end, what Redis has lost of these slots (some 250 at the most).

        `written` is what the call before returned, -1 at first: slots that the producer has not
        written since then count as never submitted. None if the batch is not in Redis.
        """
        encoded = codec.encode(list(slots))
        reply = await self._mend(batch_id=batch, slots=encoded, before=written)
        if reply is None:
            return None
        if reply[2]:
            await self.extend(batch)
        return MendReply([int(slot) for slot in reply[1]], int(reply[0]), life_in(reply[3]))

    async def size_of(self, batch: str) -> int:
        """Return how many slots a batch has, also one that is being deleted; 0 for no batch."""
        command = self._redis.execute_command("HMGET", self._keys.batch(batch), "size", "deleting")
        fields = await unless_wrong_type(command) or []
        sizes = [int(n) for n in fields if n is not None and n.isdigit() and len(n) < 16]
        sizes = [n for n in sizes if n <= MAX_JOBS]  # else it is damaged
        return max(sizes, default=0) if any(fields) else 0

    async def delete(self, batch: str, first: int, by: str = "producer") -> int:
        """Remove a chunk of slots, and with the last one the batch; return the next slot, or 0."""
        key = self._keys.batch(batch)
        size = await self._delete(batch_key=key, batch_id=batch, first=first, by=by)
        return first + _LARGE_CHUNK if first + _LARGE_CHUNK < size else 0

    async def extend(self, batch: str, keep: float | None = None, by: str = "producer") -> bool:
        """Set the lifetime of a batch anew; return whether there is such a batch.

        An ended batch stays for as long as its producer asked, another for as long as it may take.
        With `keep`, it stays for so many seconds after its end from now on, as `by` says.
        """
        first, size, expires, key = 0, 1, b"", self._keys.batch(batch)
        while first < size:
            size, expires = await self._extend(
                batch_key=key,
                batch_id=batch,
                first=first,
                expires=expires,
                stay="" if keep is None else round(keep * 1000),
                by=by,
            )
            first += _LARGE_CHUNK
        return bool(expires)
