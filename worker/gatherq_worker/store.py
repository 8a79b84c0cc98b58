"""What a worker asks of Redis. Nothing else on this side speaks to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from redis.asyncio import Redis

from gatherq import codec, keys
from gatherq.scripts import Script
from gatherq.upkeep import Upkeep

from .attempt import Attempt, Deadline

#: Leases renewed by one script call.
_RENEWED = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought: attempts, Redis's time, and when to look again (ms; None: unknown)."""

    attempts: list[Attempt]
    now: int
    next_in: int | None
    foreign: list[bytes] = field(default_factory=list)
    #: Batches that ended with this claim, so late that they are to be extended.
    late: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Renewal:
    """Redis's time (ms), the jobs whose lease is lost, and those to be cancelled, each by whom."""

    now: int = 0
    lost: list[str] = field(default_factory=list)
    cancelled: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """An outcome ready to be recorded; `keep` in seconds for a job without a batch."""

    attempt: Attempt
    status: str
    payload: bytes
    keep: float | None


class Finish(NamedTuple):
    """A word a job: recorded, already, refused or gone. And what is to be done about batches."""

    words: list[str]
    #: Batches that were cancelled by their policy: what is queued of them is to be swept.
    stopped: list[str]
    #: Batches that ended so late that they are to be extended.
    late: list[str]


@dataclass(frozen=True, slots=True)
class Release:
    """An attempt to be given back after `delay` seconds; `charge` counts it as used."""

    attempt: Attempt
    delay: float = 0.0
    charge: bool = False


class Store:
    """Claim, renew, finish, release, wait. One an event loop."""

    def __init__(self, redis: Redis, worker: str, queue: str, lease: float) -> None:
        self._redis = redis
        self._worker = worker
        self._queue = queue
        self._lease = round(lease * 1000)
        self._claim, self._renew = Script("claim"), Script("renew")
        self._upkeep = Upkeep(redis, queue)
        self._finish, self._release = Script("finish"), Script("release")

    async def claim(self, n: int, since: int, last: int) -> Claim:
        """Take up to `n` jobs; `since` and `last` tell the contact with Redis (ms)."""
        queue = self._queue
        key = (queue, keys.cancel(queue), keys.quarantine(queue), keys.wake(queue))
        argv = (keys.PREFIXES, self._worker, n, self._lease, since, last)
        now, next_in, foreign, told, late, *found = await self._claim(self._redis, key, argv)
        triples = zip(found[::3], found[1::3], found[2::3], strict=True)
        attempts = [Attempt.read(id_.decode(), number, job) for id_, number, job in triples]
        if told:
            _tell_deadlines(attempts, told)
        return Claim(attempts, int(now), None if next_in < 0 else next_in, foreign, _texts(late))

    async def renew(self, held: Iterable[tuple[str, int]]) -> Renewal:
        """Renew leases."""
        pairs = list(held)
        renewal = Renewal()
        key = (self._queue, keys.workers(self._queue), keys.cancel(self._queue))
        prefixes = (keys.IN_PROGRESS, keys.RETRY, keys.BATCH)
        for start in range(0, max(len(pairs), 1), _RENEWED):
            flat = [part for pair in pairs[start : start + _RENEWED] for part in pair]
            argv = (self._worker, self._lease, *prefixes, *flat)
            now, lost, asked = await self._renew(self._redis, key, argv)
            renewal.now = int(now)
            renewal.lost += _texts(lost)
            asked = [part.decode("utf-8", "replace") for part in asked]
            renewal.cancelled.update(zip(asked[::2], asked[1::2], strict=True))
        return renewal

    async def finish(self, records: Sequence[Record]) -> Finish:
        """Record outcomes."""
        prefixes = (keys.JOB, keys.IN_PROGRESS, keys.RETRY, keys.RESULT, keys.BATCH, keys.DONE)
        # One argument for all that is short: packing each costs more than reading them in Lua.
        jobs = codec.encode([_header(record) for record in records])
        head = (self._worker, *prefixes, jobs, keys.control(self._queue))
        argv = (*head, *(record.payload for record in records))
        key = (self._queue, keys.ABORT, keys.cancel(self._queue))
        words, stopped, late = await self._finish(self._redis, key, argv)
        return Finish(_texts(words), _texts(stopped), _texts(late))

    async def sweep(self, batch: str) -> None:
        """End what is queued of a batch that was cancelled."""
        await self._upkeep.sweep(batch, force=True)

    async def extend(self, batch: str) -> None:
        """Let a batch that has ended stay for as long as was asked."""
        await self._upkeep.extend(batch)

    async def release(self, releases: Sequence[Release]) -> int:
        """Give attempts back to the queue; return how many were still ours."""
        argv: list[Any] = [self._worker, keys.IN_PROGRESS, keys.RETRY, keys.BATCH]
        for r in releases:
            argv += (
                r.attempt.job_id,
                r.attempt.number,
                round(r.delay * 1000),
                int(r.charge),
                r.attempt.batch or "",
            )
        return int(await self._release(self._redis, (self._queue, keys.wake(self._queue)), argv))

    async def wait(self, timeout: float) -> None:
        """Wait until there may be work, at most `timeout` seconds."""
        await self._redis.execute_command("BLPOP", keys.wake(self._queue), f"{timeout:.3f}")

    async def queued(self) -> int:
        """Return how many jobs are queued or running."""
        return int(await self._redis.execute_command("ZCARD", self._queue))

    async def sign_off(self) -> None:
        """Take this worker off the list of the living."""
        await self._redis.execute_command("ZREM", keys.workers(self._queue), self._worker)


#: Seconds without a sign of life after which a worker is not called alive.
_SILENCE = 15.0


async def alive(redis: Redis, queue: str) -> list[tuple[str, float]]:
    """Return the workers that gave a sign of life lately, each with its age in seconds."""
    seconds, micros = await redis.time()
    now = seconds + micros / 1e6
    seen = await redis.zrange(keys.workers(queue), 0, -1, withscores=True)
    ages = [(name.decode(), now - last / 1000) for name, last in seen]
    return [(name, age) for name, age in ages if age < _SILENCE]


def _texts(parts: Iterable[bytes]) -> list[str]:
    return [part.decode() for part in parts]


def _tell_deadlines(attempts: list[Attempt], told: list[bytes]) -> None:
    batches = {
        batch.decode(): Deadline(int(at), int(limit) / 1000)
        for batch, at, limit in zip(told[::3], told[1::3], told[2::3], strict=True)
    }
    for attempt in attempts:
        attempt.batch_deadline = batches.get(attempt.job_id.rpartition(":")[0])


def _header(record: Record) -> tuple[str, ...]:
    attempt = record.attempt
    slot = attempt.job.slot if attempt.job else 0
    keep = -1 if record.keep is None else round(record.keep * 1000)
    number, batch = str(attempt.number), attempt.batch or ""
    return attempt.job_id, number, record.status, batch, str(slot), str(keep)
