"""The index of batches, and the hash of each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gatherq.store.claims import text

from .reading import ask, ask_allowed, fields_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace


class BatchRecords:
    """Reads batches; each method is one round trip."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def ids(self, first: int = 0, count: int | None = None) -> list[str]:
        """Return ids in the index, the newest first; those of expired batches may be there too."""
        last = -1 if count is None else first + count - 1
        command = ("ZREVRANGE", self._keys.batch_index, first, last)
        (found,) = await ask(self._redis, [command])
        return [text(raw) for raw in found or ()]

    async def count(self) -> int:
        """Return how many ids are in the index."""
        (found,) = await ask(self._redis, [("ZCARD", self._keys.batch_index)])
        return int(found or 0)

    async def read(self, ids: Sequence[str]) -> list[Mapping[str, str] | None]:
        """Return the fields of each batch; None for one that is not in Redis."""
        replies = await ask(self._redis, [("HGETALL", self._keys.batch(id_)) for id_ in ids])
        return [_fields(reply) for reply in replies]

    async def newest(self, count: int, *names: str) -> list[Mapping[str, str]]:
        """Return some fields of the newest batches; none of what this user may not read."""
        command = ("ZREVRANGE", self._keys.batch_index, 0, count - 1)
        (ids,) = await ask_allowed(self._redis, [command])
        commands = [("HMGET", self._keys.batch(text(id_)), *names) for id_ in ids or ()]
        replies = await ask_allowed(self._redis, commands) if commands else []
        return [
            {name: text(value) for name, value in zip(names, reply, strict=True) if value}
            for reply in replies
            if reply
        ]


def _fields(reply: Any) -> Mapping[str, str] | None:
    return {text(name): text(value) for name, value in fields_of(reply)} or None
