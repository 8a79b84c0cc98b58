"""What Redis has of slots whose results a collector misses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.contract.keys import job_id

from .outside import FIELDS, Outside, outside_of
from .server.errors import code

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

Command = tuple[Any, ...]


class SlotState(NamedTuple):
    """One slot."""

    result: bytes | None
    #: Whether the key of the result exists: then, without a result, it is of another type.
    wrong_type: bool
    #: Whether the slot is in the queue: waiting, running, or to run again; or waits outside of it.
    queued: bool


class SlotStates:
    """Reads the states of slots, and writes nothing."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def read(self, batch: str, slots: Sequence[int]) -> list[SlotState] | None:
        """Return the state of each slot; None for no such batch."""
        ids = [job_id(batch, slot) for slot in slots]
        results = [self._keys.result(id_) for id_ in ids]
        tokens = [self._keys.in_progress(id_) for id_ in ids]
        n = len(ids)
        places: list[Command] = [
            ("HMGET", self._keys.batch(batch), *FIELDS),  # without a size it is being deleted
            ("ZMSCORE", self._keys.again(batch), *slots),
            *(("ZSCORE", self._keys.queue, id_) for id_ in ids),
        ]
        async with self._redis.pipeline(transaction=False) as pipe:
            for command in places:
                pipe.execute_command(*command)
            pipe.mget(results)
            for key in (*results, *tokens):
                pipe.exists(key)
            # Once more: between two commands a slot may have been queued again.
            for command in places:
                pipe.execute_command(*command)
            replies = await pipe.execute(raise_on_error=False)
        before, values, after = replies[: n + 2], _checked(replies[n + 2]), replies[3 * n + 3 :]
        exist = [bool(_checked(reply)) for reply in replies[n + 3 : 3 * n + 3]]
        if not _may_be_there(before[0]):
            return None
        ended = [
            has_result and not held for has_result, held in zip(exist[:n], exist[n:], strict=True)
        ]
        waiting = zip(*(_waiting(slots, each, ended) for each in (before, after)), strict=True)
        return [
            SlotState(value, exists, any(each))
            for value, exists, each in zip(values, exist[:n], waiting, strict=True)
        ]

    async def recorded(self, batch: str, slots: Sequence[int]) -> list[int]:
        """Return those slots that have a result."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for slot in slots:
                pipe.exists(self._keys.result(job_id(batch, slot)))
            exist = await pipe.execute()
        return [slot for slot, exists in zip(slots, exist, strict=True) if exists]


def _waiting(slots: Sequence[int], replies: Sequence[Any], ended: Sequence[bool]) -> list[bool]:
    """Tell of each slot whether it may be in the queue, or outside of it.

    `ended` says of each whether it has a result, and nobody holds it: it waits only where it is
    known to be in the queue.
    """
    fields, again, *scores = replies
    outside = _outside(fields)
    members = [again] * len(slots) if isinstance(again, Exception) else again
    return [
        _exists(score)
        or (not over and _may_exist(score))
        or (not over and outside.may_have(slot, is_again=_may_exist(each)))
        for slot, score, each, over in zip(slots, scores, members, ended, strict=True)
    ]


def _outside(fields: Any) -> Outside:
    if code(fields) == "WRONGTYPE":
        return outside_of({})
    return outside_of(dict(zip(FIELDS, _checked(fields), strict=True)))


def _may_be_there(fields: Any) -> bool:
    """Tell whether a batch may exist, by the fields of its hash: its size is the first."""
    return code(fields) == "WRONGTYPE" or _checked(fields)[0] is not None


def _exists(reply: Any) -> bool:
    """Tell whether a slot is known to have a place there."""
    return code(reply) != "WRONGTYPE" and _checked(reply) is not None


def _may_exist(reply: Any) -> bool:
    """Tell whether a slot may have a place there: nobody knows where its key is of another type."""
    return code(reply) == "WRONGTYPE" or _checked(reply) is not None


def _checked(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply
