"""The gates of a queue: what they let in, who is inside, and how many wait."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gatherq.store.claims import text, texts

from .reading import Command, ask_allowed, fields_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

_FIELDS = ("most", "interval", "turn")
#: Most jobs that are looked at for their gates, and how many the server looks at in one step.
_JOBS, _STEP = 20_000, 2_000
#: Jobs inside that are named, the eldest.
_NAMED = 3


class GateFields(NamedTuple):
    """A gate as it stands in Redis; nothing of it where this user may not read it."""

    name: str
    fields: Mapping[str, str]
    #: How many jobs are inside, some of them by id, and how many wait.
    holders: int = 0
    inside: Sequence[str] = ()
    waiting: int = 0


class GateRecords:
    """Reads gates; what this user may not read is not told."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def names(self, most: int) -> list[str]:
        """Return the gates that most jobs are inside of or wait at, by some 20,000 such jobs."""
        found, cursor = Counter[str](), 0
        while found.total() < _JOBS:
            command = ("HSCAN", self._keys.gates, cursor, "COUNT", _STEP)
            (reply,) = await ask_allowed(self._redis, [command])
            if not reply:
                break
            cursor = int(reply[0])
            found.update(text(name) for _, name in fields_of(reply[1]))
            if not cursor:
                break
        return [name for name, _ in found.most_common(most)]

    async def read(self, names: Sequence[str]) -> list[GateFields]:
        """Return these gates: one round trip."""
        commands: list[Command] = []
        for name in names:
            holders = self._keys.holders(name)
            commands += [
                ("HMGET", self._keys.gate(name), *_FIELDS),
                ("ZCARD", holders),
                ("ZRANGE", holders, 0, _NAMED - 1),
                ("ZCARD", self._keys.waiting(name)),
            ]
        replies = iter(await ask_allowed(self._redis, commands)) if commands else iter(())
        found = []
        for name in names:
            raw, holders, inside, waiting = (next(replies) for _ in range(4))
            given = zip(_FIELDS, raw or (), strict=False)
            fields = {key: text(value) for key, value in given if value is not None}
            found.append(GateFields(name, fields, holders or 0, texts(inside or ()), waiting or 0))
        return found
