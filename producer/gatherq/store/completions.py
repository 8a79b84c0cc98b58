"""The completion streams of batches: which slots ended, in the order in which they ended."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, get_args

from gatherq.contract.outcomes import Status

from .redrive import REDRIVEN

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

#: (slot, status) pairs in the order of the stream. `redriven` takes back an earlier status.
SlotStatuses: TypeAlias = list[tuple[int, str]]
#: Completions read at a time; each is of some hundred slots at the most.
_ENTRIES = 256
#: What an entry may say; anything else was not written by us, and is left out.
_STATUSES = {status.encode(): status for status in (*get_args(Status), REDRIVEN)}
_DIGITS = 10
#: A life, as a producer draws it.
_LIFE = re.compile(rb"[0-9a-f]{12}")
#: What the name of a field begins with that has the result of a slot.
_RESULT = b"result:"


class Entry(NamedTuple):
    """A completion: its position in the stream, and what it says."""

    position: bytes
    statuses: SlotStatuses
    #: Results, by slot, that it brings along: short ones, of batches of a few slots.
    results: Mapping[int, bytes]
    #: Tells its batch from others under the same id; empty where it is not told.
    life: str = ""


class CompletionStream:
    """Reads completions; reading takes nothing away."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def read(
        self, batch: str, after: bytes, block: float | None = None
    ) -> tuple[bytes, SlotStatuses]:
        """Return (position, [(slot, status), ...]) completed after `after`; waits `block` s.

        Of a slot that was redriven meanwhile, only the latest status is returned.
        """
        wait = None if block is None else max(int(block * 1000), 1)
        reply = await self._redis.xread({self._keys.done(batch): after}, count=_ENTRIES, block=wait)
        if not reply:
            return after, []
        entries = read_entries(reply[0][1])
        return entries[-1].position, latest(pair for each in entries for pair in each.statuses)

    async def watch(
        self, after: Mapping[str, bytes], block: float, news: tuple[str, bytes]
    ) -> tuple[bytes, dict[str, list[Entry]]]:
        """Wait at most `block` s for completions of batches, or for a nudge of the watcher `news`.

        `after` has the position in each batch's stream, `news` the watcher's name and its position
        in its nudges. Returns (position of the last nudge, batch -> completions).
        """
        watcher, nudged_after = news
        nudges_key = self._keys.nudge(watcher)
        batches = {self._keys.done(batch): batch for batch in after}
        streams: dict[Any, Any] = {nudges_key: nudged_after}
        streams |= zip(batches, after.values(), strict=True)
        wait = max(int(block * 1000), 1)
        reply = await self._redis.xread(streams, count=_ENTRIES, block=wait)
        entries = {key.decode(): found for key, found in reply}
        nudges = entries.pop(nudges_key, None)
        return nudges[-1][0] if nudges else nudged_after, {
            batches[key]: read_entries(found) for key, found in entries.items()
        }

    async def nudge(self, watcher: str) -> None:
        """Wake the watcher of that name from its blocked read."""
        key = self._keys.nudge(watcher)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"n": 1}, maxlen=1, approximate=False)
            pipe.pexpire(key, 60_000)
            await pipe.execute()

    async def missing(self, batches: Sequence[str]) -> list[str]:
        """Return those batches that are not in Redis; one command while all are."""
        hashes = [self._keys.batch(batch) for batch in batches]
        if not hashes or await self._redis.exists(*hashes) == len(hashes):
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in hashes:
                pipe.exists(key)
            exist = await pipe.execute()
        return [batch for batch, exists in zip(batches, exist, strict=True) if not exists]


def latest(statuses: Iterable[tuple[int, str]]) -> SlotStatuses:
    """Keep the latest status of each slot, at its own place, if any slot was redriven."""
    pairs = list(statuses)
    if not any(status == REDRIVEN for _, status in pairs):
        return pairs
    last: dict[int, str] = {}
    for slot, status in pairs:
        last.pop(slot, None)
        last[slot] = status
    return list(last.items())


def life_in(raw: bytes | None) -> str:
    """Return the life of a batch; empty where there is none, or what stands there is none."""
    return raw.decode() if raw and _LIFE.fullmatch(raw) else ""


def is_another(found: str, expected: str) -> bool:
    """Tell whether two lives are of two batches; one that is not known may be any."""
    return bool(found and expected) and found != expected


def order(position: bytes) -> tuple[int, int]:
    """Make positions comparable."""
    time, _, number = position.partition(b"-")
    return int(time), int(number or 0)


def read_entries(raw: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> list[Entry]:
    """Read entries of a stream; what in them is no completion is left out."""
    return [_entry(position, fields) for position, fields in raw]


def _entry(position: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    statuses, results = [], {}
    for name, value in fields.items():
        slot = name.removeprefix(_RESULT)
        if not slot.isdigit() or len(slot) > _DIGITS:
            continue
        if len(slot) < len(name):
            results[int(slot)] = value
        elif status := _STATUSES.get(value):
            statuses.append((int(slot), status))
    return Entry(position, statuses, results, life_in(fields.get(b"life")))
