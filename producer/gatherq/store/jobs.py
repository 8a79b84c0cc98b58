"""What a worker asks of Redis. Nothing else on this side speaks to it."""

import asyncio
import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from redis.asyncio import Redis

from gatherq.contract import keys
from gatherq.contract.validation import MAX_JOB
from gatherq.contract.values import codec

from .claims import BatchFacts, Claimed, batch_facts, held_one, slot_in, text, texts
from .maintenance import BatchMaintenance
from .queue_position import Passing, Place
from .script import Script
from .server.connection import database_of
from .server.outages import ERRORS
from .wrong_type import unless_foreign

#: Leases renewed by one script call.
_RENEWED = 250
#: Queue members that one call looks through for jobs of a worker, and that all do.
_LOOKED, _MOST_LOOKED = 500, 50_000


class Fenced(Protocol):
    """What tells a claim of a job from any other claim, and from another life of its batch."""

    @property
    def job_id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def claim(self) -> int: ...
    @property
    def batch(self) -> str | None: ...
    @property
    def life(self) -> str: ...


class Recordable(Fenced, Protocol):
    """An attempt whose outcome can be recorded."""

    @property
    def slot(self) -> int: ...
    @property
    def history(self) -> Sequence[Any]: ...


F_co = TypeVar("F_co", bound=Fenced, covariant=True)
R_co = TypeVar("R_co", bound=Recordable, covariant=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought: jobs, Redis's time, and when to look again (ms; None: unknown)."""

    jobs: list[Claimed]
    now: int
    next_in: int | None
    #: Queue members that cannot be jobs, as text.
    foreign: list[str] = field(default_factory=list)
    #: Batches that are to be extended.
    late: list[str] = field(default_factory=list)
    #: A job that a plain arq worker holds.
    plain: str = ""
    #: Where the next claim goes on, if some were passed over.
    place: Place | None = None


@dataclass(slots=True)
class Renewal:
    """Redis's time (ms), the jobs whose lease is lost, and those to be cancelled, each by whom."""

    now: int = 0
    lost: list[str] = field(default_factory=list)
    cancelled: dict[str, str] = field(default_factory=dict)
    #: Batches that are to be extended.
    late: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Record(Generic[R_co]):
    """An outcome ready to be recorded; `keep` in seconds for a job without a batch."""

    attempt: R_co
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
    #: Batches that are to be extended.
    late: list[str]


@dataclass(frozen=True, slots=True)
class Release(Generic[F_co]):
    """An attempt to be given back after `delay` seconds; `charge` counts it as used."""

    attempt: F_co
    delay: float = 0.0
    charge: bool = False
    #: What the history of the job keeps of it; nothing if empty.
    entry: bytes = b""


NOTHING = Passing()


class JobStore:
    """Claim, renew, finish, release, wait. One an event loop."""

    def __init__(self, redis: Redis, worker: str, queue: str, lease: float) -> None:
        self._redis = redis
        self._poking: asyncio.Task[None] | None = None
        self._worker = worker
        self._queue = queue
        self._channel = keys.control(queue, database_of(redis))
        self._lease = round(lease * 1000)
        self._claims = 0
        self._claim, self._renew = Script("claim"), Script("renew")
        self._upkeep = BatchMaintenance(redis, queue)
        self._finish, self._release = Script("finish"), Script("release")
        self._held = Script("held")

    async def claim(self, n: int, since: int, last: int, passing: Passing = NOTHING) -> Claim:
        """Take up to `n` jobs; `since` and `last` tell the contact with Redis (ms)."""
        queue = self._queue
        self._claims += 1
        key = (queue, keys.cancel(queue), keys.quarantine(queue), keys.wake(queue))
        contact = (self._lease, since, last)
        rest = (self._claims, MAX_JOB, self._channel)
        argv: tuple[Any, ...] = (keys.PREFIXES, self._worker, n, *contact, *rest)
        if passing.names:
            argv += (passing.names, passing.ms, *passing.place)
        now, next_in, foreign, told, late, plain, place, *found = await self._claim(
            self._redis, key, argv
        )
        batches = batch_facts(told)
        jobs = [self._claimed(batches, *found[at : at + 4]) for at in range(0, len(found) - 3, 4)]
        next_ms = None if next_in < 0 else next_in
        others = (texts(foreign), texts(late), text(plain))
        at = Place(text(place[0]), int(place[1])) if place else None
        return Claim(jobs, int(now), next_ms, *others, at)

    async def renew(
        self,
        held: Iterable[Fenced],
        since: int = 0,
        last: int = 0,
        *,
        sign: bool = True,
    ) -> Renewal:
        """Renew leases; `sign` says that this worker takes jobs, and so is alive."""
        attempts = list(held)
        renewal = Renewal()
        key = (self._queue, keys.workers(self._queue), keys.cancel(self._queue))
        head = (keys.PREFIXES, self._worker, self._lease, since, last, int(sign), self._channel)
        for start in range(0, max(len(attempts), 1), _RENEWED):
            flat = [part for a in attempts[start : start + _RENEWED] for part in self._fence(a)]
            now, lost, asked, late = await self._renew(self._redis, key, (*head, *flat))
            renewal.now = int(now)
            renewal.lost += texts(lost)
            renewal.late.update(texts(late))
            words = texts(asked)
            renewal.cancelled.update(zip(words[::2], words[1::2], strict=True))
        return renewal

    async def finish(self, records: Sequence[Record[Recordable]]) -> Finish:
        """Record outcomes."""
        # One argument for all that is short: packing each costs more than reading them in Lua.
        jobs = codec.encode([_header(record) for record in records])
        lives = codec.encode({r.attempt.batch: r.attempt.life for r in records if r.attempt.batch})
        head = (keys.PREFIXES, self._worker, self._channel, lives, jobs)
        argv = (*head, *(record.payload for record in records))
        key = (self._queue, keys.ABORT, keys.cancel(self._queue))
        words, stopped, late = await self._finish(self._redis, key, argv)
        return Finish(texts(words), texts(stopped), texts(late))

    async def sweep(self, batch: str) -> None:
        """End what is queued of a batch that was cancelled."""
        await self._upkeep.sweep(batch, force=True)

    async def extend(self, batch: str) -> None:
        """Let a batch that has ended stay for as long as was asked."""
        await self._upkeep.extend(batch)

    async def finish_at_once(self, records: Sequence[Record[Recordable]]) -> list[str]:
        """Record outcomes, and do here what their batches need then; return a word each."""
        done = await self.finish(records)
        for batch in done.stopped:
            await self.sweep(batch)
        for batch in done.late:
            await self.extend(batch)
        return done.words

    async def release(self, releases: Sequence[Release[Fenced]]) -> int:
        """Give attempts back to the queue; return how many were still ours."""
        argv: list[Any] = [keys.PREFIXES, self._channel]
        for r in releases:
            argv += (*self._fence(r.attempt), round(r.delay * 1000), int(r.charge), r.entry)
        return int(await self._release(self._redis, (self._queue, keys.wake(self._queue)), argv))

    async def held(self, *, jobs: bool = True) -> tuple[int, list[Claimed]]:
        """Return Redis's time (ms) and what this worker holds; with the data of its `jobs`."""
        claims: dict[str, Claimed] = {}
        passed, looked, now = 0, _LOOKED, 0
        while looked == _LOOKED and passed < _MOST_LOOKED:
            argv = (keys.PREFIXES, self._worker, self._lease, passed, _LOOKED, int(jobs))
            at, looked, *found = await self._held(self._redis, (self._queue,), argv)
            now, passed = int(at), passed + looked
            for each in range(0, len(found) - 5, 6):
                claimed = held_one(*found[each : each + 6])
                claims[claimed.job_id] = claimed
        return now, list(claims.values())

    def _claimed(
        self, batches: Mapping[str, BatchFacts], id_: bytes, number: Any, score: bytes, job: Any
    ) -> Claimed:
        job_id, problem = text(id_), ""
        entries: Sequence[bytes] = ()
        if not isinstance(number, int):
            number, *entries = number
        if isinstance(job, int):
            problem, job = f"its data is {job:,} bytes, more than {MAX_JOB:,}", None
        batch, _, end = job_id.rpartition(":")
        facts = batches.get(batch)
        slot = None if facts is None else slot_in(end, facts.size)
        queued = (job_id, number, job, int(score))
        claim = (self._claims, problem)
        if facts is None or slot is None:
            return Claimed(*queued, None, 0, "", *claim, None, entries)
        return Claimed(*queued, batch, slot, facts.life, *claim, facts.deadline, entries)

    def _fence(self, attempt: Fenced) -> tuple[str, int, str, str, str]:
        """Return what tells this attempt from any other of its job, and of another life."""
        token = f"{self._worker}:{attempt.number}:{attempt.claim}"
        return attempt.job_id, attempt.number, token, attempt.batch or "", attempt.life

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
        return int(await unless_foreign(self._redis.execute_command("ZCARD", self._queue)) or 0)

    async def connect(self, count: int) -> None:
        """Open so many connections now: later there may be no descriptors left for them."""
        await asyncio.gather(*(self._redis.execute_command("PING") for _ in range(count)))

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


async def enqueue_tick(redis: Redis, queue: str, tick: Tick) -> bool:
    """Put a cron job into the queue, once for each tick among all workers; False if it was."""
    key = (
        queue,
        keys.job(tick.job_id),
        keys.result(tick.job_id),
        keys.tick(queue, tick.run),
        keys.wake(queue),
    )
    argv = (keys.PREFIXES, tick.job_id, tick.job, tick.score, tick.keep, _TICK_KNOWN)
    return bool(await _TICK(redis, key, argv))


def _header(record: Record[Recordable]) -> tuple[str, ...]:
    attempt, keep = record.attempt, record.keep
    slot = str(attempt.slot) if attempt.batch else ""
    stay = "-1" if keep is None or keep == math.inf else str(round(keep * 1000))
    mark = str(round(record.mark * 1000)) if record.mark else "0"
    history = "1" if attempt.number > 1 or attempt.history else "0"
    number, claim = str(attempt.number), str(attempt.claim)
    return attempt.job_id, number, claim, record.status, slot, stay, mark, history
