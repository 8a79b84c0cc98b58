"""The completion streams of batches: what ended, in the order it ended."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from gatherq.contract import keys
from gatherq.contract.outcomes import Status

from .redrive import REDRIVEN

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: (slot, status) pairs in the order of the stream. `redriven` takes back an earlier status.
SlotStatuses: TypeAlias = list[tuple[int, str]]
#: A recording and its position in the stream.
Entry: TypeAlias = tuple[bytes, SlotStatuses]

#: Recordings read at a time; each is of up to 256 slots.
_ENTRIES = 256
#: What an entry may say; all else is not ours, and left out.
_STATUSES = {status.encode(): status for status in (*get_args(Status), REDRIVEN)}
_DIGITS = 10


class CompletionStream:
    """Reads them; reading takes nothing away."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def completions(
        self, batch: str, after: bytes, block: float | None = None
    ) -> tuple[bytes, SlotStatuses]:
        """Return (position, [(slot, status), ...]) completed after `after`; waits `block` s.

        Of each slot that is redriven meanwhile, the last word stands.
        """
        wait = None if block is None else max(int(block * 1000), 1)
        reply = await self._redis.xread({keys.done(batch): after}, count=_ENTRIES, block=wait)
        if not reply:
            return after, []
        entries = _entries(reply[0][1])
        return entries[-1][0], latest(word for _, words in entries for word in words)

    async def watch(
        self, after: Mapping[str, bytes], block: float, news: tuple[str, bytes]
    ) -> tuple[bytes, dict[str, list[Entry]]]:
        """Wait at most `block` s for completions of batches, or a nudge after the one in `news`.

        Returns (position of the last nudge, batch -> recordings).
        """
        nudged, nudged_after = news
        streams: dict[Any, Any] = {keys.nudge(nudged): nudged_after}
        streams |= {keys.done(batch): position for batch, position in after.items()}
        wait = max(int(block * 1000), 1)
        reply = await self._redis.xread(streams, count=_ENTRIES, block=wait)
        found = {key.decode(): entries for key, entries in reply}
        nudges = found.pop(keys.nudge(nudged), None)
        return nudges[-1][0] if nudges else nudged_after, {
            key.removeprefix(keys.DONE): _entries(entries) for key, entries in found.items()
        }

    async def nudge(self, name: str) -> None:
        """Wake the watcher of that name from its blocked read."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(keys.nudge(name), {"n": 1}, maxlen=1, approximate=False)
            pipe.pexpire(keys.nudge(name), 60_000)
            await pipe.execute()

    async def missing(self, batches: Sequence[str]) -> list[str]:
        """Return those that are not in Redis; one command while all are."""
        wanted = [keys.batch(batch) for batch in batches]
        if not wanted or await self._redis.exists(*wanted) == len(wanted):
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in wanted:
                pipe.exists(key)
            found = await pipe.execute()
        return [batch for batch, there in zip(batches, found, strict=True) if not there]


def latest(found: Iterable[tuple[int, str]]) -> SlotStatuses:
    """Keep what was said last of each slot, where it was said, if any slot was redriven."""
    words = list(found)
    if not any(status == REDRIVEN for _, status in words):
        return words
    last: dict[int, str] = {}
    for slot, status in words:
        last.pop(slot, None)
        last[slot] = status
    return list(last.items())


def order(position: bytes) -> tuple[int, int]:
    """Make positions comparable."""
    time, _, number = position.partition(b"-")
    return int(time), int(number or 0)


def _entries(raw: list[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    return [(position, _words(pairs)) for position, pairs in raw]


def _words(pairs: Mapping[bytes, bytes]) -> SlotStatuses:
    return [
        (int(slot), status)
        for slot, said in pairs.items()
        if (status := _STATUSES.get(said)) and len(slot) <= _DIGITS and slot.isdigit()
    ]
