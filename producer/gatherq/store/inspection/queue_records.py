"""What stands in a queue, and beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gatherq.contract.keys import KeySpace
from gatherq.store.claims import text

from .reading import ask, ask_allowed, is_refused, replies, scores_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Most jobs that are looked at one by one: more run nowhere at a time.
_MOST = 5_000
#: How many keys the server looks at in one step of a scan.
_STEP = 10_000


class QueueFields(NamedTuple):
    """A queue as it stands in Redis; times are in ms."""

    #: Redis's time.
    now: float
    #: Jobs whose time has come, and the time of the first of them.
    due: int
    first: float | None
    #: Jobs whose time is to come: the next of them, each with its time; and how many there are.
    coming: Sequence[tuple[str, float]]
    later: int
    #: The token of each of `coming`: None where nobody holds it.
    tokens: Sequence[bytes | None]
    quarantined: int
    #: Whether arq's health key is there: a plain arq worker writes one, and a worker of ours too.
    health: bool


class QueueRecords:
    """Reads a queue: three round trips, however long it is."""

    def __init__(self, redis: "Redis", keys: KeySpace) -> None:
        self._redis, self._keys = redis, keys

    async def read(self) -> QueueFields:
        """Return what stands in the queue."""
        queue = self._keys.queue
        seconds, micros = await self._redis.time()
        now = int(seconds) * 1000 + int(micros) / 1000
        past, future = ("-inf", repr(now)), (f"({now!r}", "+inf")
        due, first, later, coming = await ask(
            self._redis,
            [
                ("ZCOUNT", queue, *past),
                ("ZRANGEBYSCORE", queue, *past, "WITHSCORES", "LIMIT", 0, 1),
                ("ZCOUNT", queue, *future),
                ("ZRANGEBYSCORE", queue, *future, "WITHSCORES", "LIMIT", 0, _MOST),
            ],
        )
        jobs = [(text(id_), score) for id_, score in scores_of(coming)]
        tokens = [("GET", self._keys.in_progress(id_)) for id_, _ in jobs]
        beside = [("LLEN", self._keys.quarantine), ("EXISTS", f"{queue}:health-check")]
        *held, quarantined, health = await ask_allowed(self._redis, [*tokens, *beside])
        oldest = next((score for _, score in scores_of(first)), None)
        return QueueFields(
            now, due or 0, oldest, jobs, later or 0, held, quarantined or 0, bool(health)
        )

    async def oldest(self, count: int) -> list[str]:
        """Return the ids of the jobs that wait longest, at most `count` of them."""
        seconds, micros = await self._redis.time()
        now = int(seconds) * 1000 + int(micros) / 1000
        due = ("-inf", repr(now), "LIMIT", 0, count)
        (reply,) = await ask(self._redis, [("ZRANGEBYSCORE", self._keys.queue, *due)])
        return [text(id_) for id_ in reply or ()]

    async def names(self) -> list[str]:
        """Return the queues that have workers, or batches in their list, by name.

        Looks at the name of every key.
        """
        found = {*await self.with_workers()}
        prefix = KeySpace("").batch_index
        async for key in self._redis.scan_iter(f"{prefix}*", count=_STEP):
            found.add(text(key).removeprefix(prefix))
        return sorted(found)

    async def readable(self, names: Sequence[str]) -> list[str]:
        """Return those of the queues that this user may read."""
        nothing = ("(0", "(0")
        asked = await replies(self._redis, [("ZCOUNT", name, *nothing) for name in names])
        found = zip(names, asked, strict=True)
        return [name for name, reply in found if not is_refused(reply)]

    async def with_workers(self) -> list[str]:
        """Return the queues that have workers, or had in the last minute, by name."""
        command = ("ZRANGE", self._keys.queues, 0, -1, "WITHSCORES")
        (reply,) = await ask_allowed(self._redis, [command])
        return sorted(text(name) for name, _ in scores_of(reply))
