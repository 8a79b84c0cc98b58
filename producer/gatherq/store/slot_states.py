"""What Redis has of slots whose results a collector misses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.contract.keys import job_id

from .server.errors import code

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace


class SlotState(NamedTuple):
    """One slot."""

    result: bytes | None
    #: Whether the key of the result exists: then, without a result, it is of another type.
    wrong_type: bool
    #: Whether the slot is in the queue: waiting, running, or to run again.
    queued: bool


class SlotStates:
    """Reads the states of slots, and writes nothing."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def read(self, batch: str, slots: Sequence[int]) -> list[SlotState] | None:
        """Return the state of each slot; None for no such batch."""
        ids = [job_id(batch, slot) for slot in slots]
        results = [self._keys.result(id_) for id_ in ids]
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(self._keys.batch(batch), "size")  # without a size it is being deleted
            for id_ in ids:
                pipe.zscore(self._keys.queue, id_)
            pipe.mget(results)
            for result in results:
                pipe.exists(result)
            # Once more: between two commands a slot may have been queued again.
            for id_ in ids:
                pipe.zscore(self._keys.queue, id_)
            size, *replies = await pipe.execute(raise_on_error=False)
        n = len(ids)
        before, (values, *exist), after = replies[:n], replies[n : 2 * n + 1], replies[2 * n + 1 :]
        if not _may_exist(size):
            return None
        return [
            SlotState(value, bool(_checked(exists)), _may_exist(b) or _may_exist(a))
            for value, exists, b, a in zip(_checked(values), exist, before, after, strict=True)
        ]

    async def recorded(self, batch: str, slots: Sequence[int]) -> list[int]:
        """Return those slots that have a result."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for slot in slots:
                pipe.exists(self._keys.result(job_id(batch, slot)))
            exist = await pipe.execute()
        return [slot for slot, exists in zip(slots, exist, strict=True) if exists]


def _may_exist(reply: Any) -> bool:
    """Tell whether a batch, or its place in the queue, may exist.

    Where its key is of another type nobody can know, and the slot is waited for.
    """
    return code(reply) == "WRONGTYPE" or _checked(reply) is not None


def _checked(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply
