"""The stream of events of a queue."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.store.claims import text

from .reading import ask, fields_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

#: Most events in a reply.
_PAGE = 500


class EventFields(NamedTuple):
    """An event: its id in the stream, `MS-N`, and what it says."""

    id: str
    fields: Mapping[str, str]


class EventRecords:
    """Reads events, a page at a time."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def read(self, after: str, block: int = 0) -> list[EventFields]:
        """Return events after the one with that id; waits at most `block` ms for the first.

        It waits not at all where the key is of another type: nothing will come.
        """
        wait = ("BLOCK", block) if block else ()
        command = ("XREAD", "COUNT", _PAGE, *wait, "STREAMS", self._keys.events, after)
        (reply,) = await ask(self._redis, [command])
        if not reply:
            return []
        # RESP3 answers with a map of streams.
        [(_, entries)] = reply.items() if isinstance(reply, dict) else reply
        return _events(entries)

    async def read_back(self, before: str) -> list[EventFields]:
        """Return events before the one with that id, or all if it is empty, the newest first."""
        end = f"({before}" if before else "+"
        command = ("XREVRANGE", self._keys.events, end, "-", "COUNT", _PAGE)
        (reply,) = await ask(self._redis, [command])
        return _events(reply or ())


def _events(entries: Iterable[Any]) -> list[EventFields]:
    return [
        EventFields(text(id_), {text(k): text(v) for k, v in fields_of(fields)})
        for id_, fields in entries
    ]
