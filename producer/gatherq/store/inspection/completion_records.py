"""Completions of batches: which slots ended, and when."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.store.completions import SlotStatuses, order, read_entries

from .reading import ask

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

#: Entries read at a time; each is of some hundred slots at the most.
_ENTRIES = 256
#: Entries by which it is judged how fast a batch goes.
LATEST = 40


class Completion(NamedTuple):
    """An entry of the stream: its id, when it was written (ms), and the slots that ended."""

    id: bytes
    at: int
    slots: SlotStatuses


class CompletionRecords:
    """Reads the completion streams of batches; reading takes nothing away."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def read(self, batch: str, after: bytes, block: int = 0) -> list[Completion]:
        """Return some of those after `after`; waits up to `block` ms for the first."""
        wait = ("BLOCK", block) if block else ()
        streams = ("STREAMS", self._keys.done(batch), after)
        (reply,) = await ask(self._redis, [("XREAD", "COUNT", _ENTRIES, *wait, *streams)])
        if not reply:
            return []
        # RESP3 answers with a map of streams.
        [(_, entries)] = reply.items() if isinstance(reply, dict) else reply
        return _completions(entries)

    async def latest(self, batches: Sequence[str]) -> list[list[Completion]]:
        """Return the latest completions of each batch, the newest first: one round trip."""
        last = ("+", "-", "COUNT", LATEST)
        commands = [("XREVRANGE", self._keys.done(batch), *last) for batch in batches]
        return [_completions(reply or ()) for reply in await ask(self._redis, commands)]


def _completions(entries: Iterable[Any]) -> list[Completion]:
    found = read_entries(entries)
    return [Completion(each.position, order(each.position)[0], each.statuses) for each in found]
