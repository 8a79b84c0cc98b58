"""What stands in a queue, and beside it."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.contract.keys import KeySpace
from gatherq.store.claims import BAND, LEVELS, text, time_in
from gatherq.store.outside import PARKED

from .parked_jobs import ParkedJobs
from .reading import Command, ask, ask_allowed, ask_partly, is_refused, replies, scores_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Most jobs that are looked at one by one: more run nowhere at a time.
_MOST = 5_000
#: How many keys the server looks at in one step of a scan.
_STEP = 10_000
#: First jobs that are looked at where priorities hide since when they wait; bytes of their data.
_FRONT, _TAIL = 20, 200
#: The end of the data of a job with a priority above 0; by how many ms a level of it goes before.
_PRIORITY = re.compile(
    rb',"slot":\d+,"priority":(\d)(?:,"(?:queue_timeout|delay|et|base)":[\d.eE+-]+)*}$'
)
_HOUR = 3_600_000


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
    #: Parked jobs, which stand in the queue and wait for no time; and how many are in each lane.
    parked: int = 0
    lanes: Sequence[tuple[str, int]] = ()


class QueueRecords:
    """Reads a queue: some round trips, however long it is."""

    def __init__(self, redis: "Redis", keys: KeySpace) -> None:
        self._redis, self._keys = redis, keys

    async def read(self) -> QueueFields:
        """Return what stands in the queue."""
        queue = self._keys.queue
        seconds, micros = await self._redis.time()
        now = int(seconds) * 1000 + int(micros) / 1000
        past, future = ("-inf", repr(now)), (f"({now!r}", f"({BAND}")
        total, due, first, coming, low, parked = await ask(
            self._redis,
            [
                ("ZCARD", queue),
                ("ZCOUNT", queue, *past),
                ("ZRANGEBYSCORE", queue, *past, "WITHSCORES", "LIMIT", 0, 1),
                ("ZRANGEBYSCORE", queue, *future, "WITHSCORES", "LIMIT", 0, _MOST),
                ("ZCOUNT", queue, BAND, f"({LEVELS * BAND}"),
                ("ZCOUNT", queue, repr(PARKED), repr(PARKED)),
            ],
        )
        jobs = [(text(id_), score) for id_, score in scores_of(coming)]
        lanes = await ParkedJobs(self._redis, self._keys).lanes() if parked else []
        optional = [
            *(("GET", self._keys.in_progress(id_)) for id_, _ in jobs),
            *(("ZCARD", self._keys.lane(lane)) for lane in lanes),
            *(("LLEN", self._keys.quarantine), ("EXISTS", f"{queue}:health-check")),
        ]
        bands = _of_bands(queue, now) if low else []
        told, of_bands = await ask_partly(self._redis, optional, bands)
        *held, quarantined, health = told
        held, counts = held[: len(jobs)], held[len(jobs) :]
        oldest = await self._oldest(scores_of(first), past, now)
        for count, fronts, following in zip(*[iter(of_bands)] * 3, strict=True):
            due = (due or 0) + (count or 0)
            oldest += [time_in(score) or 0.0 for _, score in scores_of(fronts)]
            next_ones = [(text(id_), time_in(score) or 0.0) for id_, score in scores_of(following)]
            jobs, held = [*jobs, *next_ones], [*held, *[None] * len(next_ones)]
        return QueueFields(
            now=now,
            due=due or 0,
            first=min(oldest, default=None),
            coming=jobs,
            later=max((total or 0) - (due or 0) - (parked or 0), 0),
            tokens=held,
            quarantined=quarantined or 0,
            health=bool(health),
            parked=parked or 0,
            lanes=[(lane, count or 0) for lane, count in zip(lanes, counts, strict=True)],
        )

    async def _oldest(
        self, first: Sequence[tuple[bytes, float]], past: Sequence[Any], now: float
    ) -> list[float]:
        """Return when the first job was due, by its place; and some more behind a high priority.

        No job waits for longer than the first one of no priority, but those before it.
        """
        levels = await self._priorities(first)
        if any(levels):
            command = ("ZRANGEBYSCORE", self._keys.queue, *past, "WITHSCORES", "LIMIT", 0, _FRONT)
            (reply,) = await ask(self._redis, [command])
            first = scores_of(reply)
            levels = await self._priorities(first)
        seen = levels.index(0) + 1 if 0 in levels else len(levels)
        times = [
            score + level * _HOUR if score + level * _HOUR <= now else score
            for (_, score), level in zip(first, levels, strict=True)
        ]
        return times[:seen]

    async def _priorities(self, jobs: Sequence[tuple[bytes, float]]) -> list[int]:
        commands = [("GETRANGE", self._keys.job(text(id_)), -_TAIL, -1) for id_, _ in jobs]
        found = await ask_allowed(self._redis, commands) if commands else []
        marks = [_PRIORITY.search(raw or b"") for raw in found]
        return [int(mark[1]) if mark else 0 for mark in marks]

    async def oldest(self, count: int) -> list[str]:
        """Return the ids of the jobs that are claimed next, at most `count` of them."""
        seconds, micros = await self._redis.time()
        now = int(seconds) * 1000 + int(micros) / 1000
        commands = [
            ("ZRANGEBYSCORE", self._keys.queue, first, last, "LIMIT", 0, count)
            for first, last in _due(now)
        ]
        found = await ask(self._redis, commands)
        return [text(id_) for reply in found for id_ in reply or ()][:count]

    async def ahead(self, score: float, now: float) -> int:
        """Return how many jobs are claimed before the one with that score, if it is due."""
        level = int(score // BAND) if BAND <= score < LEVELS * BAND else 0
        ranges = [*_due(now)][: level + 1]
        ranges[level] = (ranges[level][0], f"({score!r}")
        commands = [("ZCOUNT", self._keys.queue, *each) for each in ranges]
        return sum(count or 0 for count in await ask_allowed(self._redis, commands))

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


def _due(now: float) -> Iterable[tuple[str, str]]:
    """Yield from which score to which the jobs are that may be claimed, the first level first."""
    yield "-inf", repr(now)
    for level in range(1, LEVELS):
        yield str(level * BAND), repr(level * BAND + now)


def _of_bands(queue: str, now: float) -> list[Command]:
    """Ask of each priority below 0 how many are due, the first of them, and the next to come."""
    commands: list[Command] = []
    for level, (first, last) in enumerate(_due(now)):
        if level:
            one, end = ("WITHSCORES", "LIMIT", 0, 1), f"({(level + 1) * BAND}"
            commands.append(("ZCOUNT", queue, first, last))
            commands.append(("ZRANGEBYSCORE", queue, first, last, *one))
            commands.append(("ZRANGEBYSCORE", queue, f"({last}", end, *one))
    return commands
