"""The records of the workers of a queue."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from gatherq.store.claims import text

from .reading import ask, ask_allowed, fields_of, scores_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace


class WorkerFields(NamedTuple):
    """A worker as it stands in Redis: its last sign of life (ms), and the fields of its record."""

    name: str
    signed: float
    fields: Mapping[str, str]


class WorkerRecords:
    """Reads workers: two round trips, however many they are."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def read(self) -> list[WorkerFields]:
        """Return the workers of the queue by name; a record that may not be read has no fields."""
        command = ("ZRANGE", self._keys.workers, 0, -1, "WITHSCORES")
        (reply,) = await ask(self._redis, [command])
        signs = sorted((text(name), signed) for name, signed in scores_of(reply))
        commands = [("HGETALL", self._keys.worker(name)) for name, _ in signs]
        records = await ask_allowed(self._redis, commands)
        return [
            WorkerFields(name, signed, {text(k): text(v) for k, v in fields_of(record)})
            for (name, signed), record in zip(signs, records, strict=True)
        ]
