"""What there is in Redis of slots whose results are missed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.contract import keys

from .server.errors import code

if TYPE_CHECKING:
    from redis.asyncio import Redis


class SlotState(NamedTuple):
    """One slot."""

    result: bytes | None
    #: Whether anything stands in the place of the result: if there is none, it is no string.
    foreign: bool
    #: Whether it is in the queue: waiting, running, or to be run again.
    queued: bool


class SlotStates:
    """Looks, and writes nothing."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        self._redis, self._queue = redis, queue

    async def __call__(self, batch: str, slots: Sequence[int]) -> list[SlotState] | None:
        """Return how each stands, None for no such batch."""
        ids = [keys.job_id(batch, slot) for slot in slots]
        results = [keys.result(id_) for id_ in ids]
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(keys.batch(batch), "size")  # without a size it is being deleted
            for id_ in ids:
                pipe.zscore(self._queue, id_)
            pipe.mget(results)
            for result in results:
                pipe.exists(result)
            # Once more: between two commands it may have been put back.
            for id_ in ids:
                pipe.zscore(self._queue, id_)
            there, *found = await pipe.execute(raise_on_error=False)
        n = len(ids)
        before, (values, *others), after = found[:n], found[n : 2 * n + 1], found[2 * n + 1 :]
        if not _is_there(there):
            return None
        return [
            SlotState(value, bool(_sound(other)), _is_there(b) or _is_there(a))
            for value, other, b, a in zip(_sound(values), others, before, after, strict=True)
        ]

    async def recorded(self, batch: str, slots: Sequence[int]) -> list[int]:
        """Return those that have a result."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for slot in slots:
                pipe.exists(keys.result(keys.job_id(batch, slot)))
            found = await pipe.execute()
        return [slot for slot, there in zip(slots, found, strict=True) if there]


def _is_there(reply: Any) -> bool:
    """With another type in the place of the batch or its queue nobody knows: it is waited for."""
    return code(reply) == "WRONGTYPE" or _sound(reply) is not None


def _sound(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply
