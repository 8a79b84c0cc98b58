"""What a worker asks of Redis. Nothing else on this side speaks to it."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from redis.asyncio import Redis

from gatherq import codec, keys
from gatherq.scripts import Script
from gatherq.upkeep import Upkeep

from .attempt import Attempt, Claimed, Deadline
from .health import ERRORS

#: Makes an attempt of a claimed job; never raises.
Reader: TypeAlias = Callable[[Claimed], Attempt]

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
    #: A job that a plain arq worker holds.
    plain: str = ""


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
    #: Seconds for which arq's workers shall take the job for running, after its end.
    mark: float = 0.0


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
    #: What the history of the job keeps of it; nothing if empty.
    entry: bytes = b""


class Store:
    """Claim, renew, finish, release, wait. One an event loop."""

    def __init__(
        self, redis: Redis, worker: str, queue: str, lease: float, read: Reader = Attempt.read
    ) -> None:
        self._redis = redis
        self._read = read
        self._poking: asyncio.Task[None] | None = None
        self._worker = worker
        self._queue = queue
        self._lease = round(lease * 1000)
        self._claim, self._renew = Script("claim"), Script("renew")
        self._upkeep = Upkeep(redis, queue)
        self._finish, self._release = Script("finish"), Script("release")
        self._held = Script("held")

    async def claim(self, n: int, since: int, last: int) -> Claim:
        """Take up to `n` jobs; `since` and `last` tell the contact with Redis (ms)."""
        queue = self._queue
        key = (queue, keys.cancel(queue), keys.quarantine(queue), keys.wake(queue))
        argv = (keys.PREFIXES, self._worker, n, self._lease, since, last)
        now, next_in, foreign, told, late, plain, *found = await self._claim(self._redis, key, argv)
        fours = zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True)
        attempts = [
            self._attempt(id_.decode(), number, job, int(float(score)))
            for id_, number, score, job in fours
        ]
        if told:
            _tell_deadlines(attempts, told)
        next_ms = None if next_in < 0 else next_in
        held = plain.decode(errors="replace")
        return Claim(attempts, int(now), next_ms, foreign, _texts(late), held)

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

    async def finish_at_once(self, records: Sequence[Record]) -> list[str]:
        """Record outcomes, and do here what their batches need then; return a word each."""
        done = await self.finish(records)
        for batch in done.stopped:
            await self.sweep(batch)
        for batch in done.late:
            await self.extend(batch)
        return done.words

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
                keys.attempts(r.attempt.job_id),
                r.entry,
            )
        return int(await self._release(self._redis, (self._queue, keys.wake(self._queue)), argv))

    async def held(self) -> tuple[int, list[Attempt]]:
        """Return Redis's time (ms) and the attempts that this worker holds."""
        argv = (self._worker, self._lease, keys.IN_PROGRESS, keys.JOB)
        now, *found = await self._held(self._redis, (self._queue,), argv)
        triples = zip(found[::3], found[1::3], found[2::3], strict=True)
        return int(now), [Attempt.read(_claimed(id_.decode(), n, job)) for id_, n, job in triples]

    def _attempt(self, id_: str, number: Any, job: bytes | None, score: int) -> Attempt:
        if isinstance(number, int):
            return self._read(_claimed(id_, number, job, score))
        attempt = self._read(_claimed(id_, number[0], job, score))
        attempt.remember(number[1:])
        return attempt

    async def wait(self, timeout: float) -> None:
        """Wait until there may be work, at most `timeout` seconds."""
        # A server looks at its blocked clients ten times a second, or when anything happens to it.
        poke = asyncio.get_running_loop().call_later(timeout + 0.001, self._poke)
        try:
            await self._redis.execute_command("BLPOP", keys.wake(self._queue), f"{timeout:.3f}")
        finally:
            poke.cancel()
            if self._poking:  # its connection is not to outlive the pool
                await asyncio.wait({self._poking}, timeout=1)
                self._poking = None

    def _poke(self) -> None:
        self._poking = asyncio.create_task(self._ping())

    async def _ping(self) -> None:
        with contextlib.suppress(*ERRORS):  # the wait itself says what is wrong
            await self._redis.execute_command("PING")

    async def aborted(self, job_ids: Sequence[str]) -> set[str]:
        """Return those that an arq producer wants to be aborted."""
        found: set[str] = set()
        for start in range(0, len(job_ids), _RENEWED):
            some = job_ids[start : start + _RENEWED]
            marks = await self._redis.execute_command("ZMSCORE", keys.ABORT, *some)
            found |= {id_ for id_, mark in zip(some, marks, strict=True) if mark is not None}
        return found

    async def forget_aborts(self, age: float) -> None:
        """Drop marks older than `age` seconds: they are of jobs that nobody has."""
        seconds, _ = await self._redis.execute_command("TIME")
        oldest = round((int(seconds) - age) * 1000)
        await self._redis.execute_command("ZREMRANGEBYSCORE", keys.ABORT, "-inf", oldest)

    async def queued(self) -> int:
        """Return how many jobs are queued or running."""
        return int(await self._redis.execute_command("ZCARD", self._queue))

    async def sign_off(self) -> None:
        """Take this worker off the list of the living."""
        await self._redis.execute_command("ZREM", keys.workers(self._queue), self._worker)


#: How long a tick of a cron job is known to have been queued, in ms.
_TICK_KNOWN = 3_600_000
_TICK = Script("tick")


@dataclass(frozen=True, slots=True)
class Tick:
    """One run of a cron job; `score` is when (ms), `keep` how long its data stays (ms)."""

    #: What tells this run from any other.
    run: str
    job_id: str
    job: bytes
    score: int
    keep: int


#: Seconds without a sign of life after which a worker is not called alive.
_SILENCE = 15.0


async def alive(redis: Redis, queue: str) -> list[tuple[str, float]]:
    """Return the workers that gave a sign of life lately, each with its age in seconds."""
    seconds, micros = await redis.time()
    now = seconds + micros / 1e6
    seen = await redis.zrange(keys.workers(queue), 0, -1, withscores=True)
    ages = [(name.decode(), now - last / 1000) for name, last in seen]
    return [(name, age) for name, age in ages if age < _SILENCE]


def _claimed(id_: str, number: int, job: bytes | None, score: int = 0) -> Claimed:
    batch, _, slot = id_.rpartition(":")
    if not batch or not slot.isdecimal():
        return Claimed(id_, number, job, score)
    return Claimed(id_, number, job, score, batch, int(slot))


def _texts(parts: Iterable[bytes]) -> list[str]:
    return [part.decode() for part in parts]


def _tell_deadlines(attempts: list[Attempt], told: list[bytes]) -> None:
    batches = {
        batch.decode(): Deadline(int(at), int(limit) / 1000)
        for batch, at, limit in zip(told[::3], told[1::3], told[2::3], strict=True)
    }
    for attempt in attempts:
        attempt.batch_deadline = batches.get(attempt.job_id.rpartition(":")[0])


async def enqueue_tick(redis: Redis, queue: str, tick: Tick) -> bool:
    """Put a cron job into the queue, once for each tick among all workers; False if it was."""
    key = (
        queue,
        keys.job(tick.job_id),
        keys.result(tick.job_id),
        keys.tick(queue, tick.run),
        keys.wake(queue),
    )
    argv = (tick.job_id, tick.job, tick.score, tick.keep, _TICK_KNOWN)
    return bool(await _TICK(redis, key, argv))


def _header(record: Record) -> tuple[str, ...]:
    attempt = record.attempt
    slot = attempt.slot
    forever = record.keep is None or record.keep == math.inf
    keep = -1 if forever else round(record.keep * 1000)  # type: ignore[operator]
    mark = str(round(record.mark * 1000))
    number, batch = str(attempt.number), attempt.batch or ""
    history = keys.attempts(attempt.job_id) if attempt.number > 1 or attempt.history else ""
    return attempt.job_id, number, record.status, batch, str(slot), str(keep), mark, history
