"""The error groups of a batch, as the steps count them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gatherq.store.claims import text

from .reading import ask_allowed, fields_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace


class ErrorRecords:
    """Reads what stands of error groups; nothing where this user may not read it."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def read(self, batch: str) -> Mapping[str, str]:
        """Return the fields of the hash; empty where there is none."""
        (reply,) = await ask_allowed(self._redis, [("HGETALL", self._keys.errors(batch))])
        return {text(name): text(value) for name, value in fields_of(reply)}
