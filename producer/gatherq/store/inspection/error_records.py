"""The error groups of a batch, as the steps count them."""

from collections.abc import Iterable, Mapping
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
        (found,) = await self.read_all([batch])
        return found

    async def read_all(self, batches: Iterable[str]) -> list[Mapping[str, str]]:
        """Return the fields of the hash of each batch: one round trip."""
        commands = [("HGETALL", self._keys.errors(batch)) for batch in batches]
        return [
            {text(name): text(value) for name, value in fields_of(reply)}
            for reply in await ask_allowed(self._redis, commands)
        ]
