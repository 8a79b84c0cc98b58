"""What a worker asks of Redis about jobs."""

import asyncio
import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from redis.exceptions import ResponseError

from gatherq.contract.remote_errors.error_groups import ErrorGroup
from gatherq.contract.validation import MAX_JOB
from gatherq.contract.values import codec
from gatherq.contract.worker_record import LIFETIME, Beat, SignOff, WorkerRecord

from .claims import (
    BatchFacts,
    ClaimedJob,
    Fenced,
    Parkable,
    Recordable,
    Releasable,
    batch_facts,
    claim_found,
    due_of,
    slot_in,
    text,
    texts,
)
from .inspection.queue_reader import QueueReader
from .maintenance import BatchMaintenance
from .parking import OPEN, Admission, LaneRoom
from .queue_position import NO_PASSING, Passing, QueuePosition
from .script import script
from .server.errors import REDIS_ERRORS, code

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

    from .server.replicas import Replicas

_NOTHING, _DRAINED = Beat(), SignOff()
#: What Redis replies to an outcome.
_WORDS = frozenset(("recorded", "already", "refused", "gone"))
#: Leases that one script call renews.
_RENEWAL_CHUNK = 250
#: Members of the queue that one call looks at for the claims of a worker, and that all calls do.
_SCAN_CHUNK, _LONGEST_SCAN = 500, 50_000


F_co = TypeVar("F_co", bound=Releasable, covariant=True)
R_co = TypeVar("R_co", bound=Recordable, covariant=True)


@dataclass(frozen=True, slots=True)
class ClaimReply:
    """The reply to a claim."""

    jobs: list[ClaimedJob]
    #: Redis's time, in ms.
    now: int
    #: In how many ms the next job can be claimed; None: unknown.
    next_in: int | None
    #: Members of the queue that cannot be jobs, as text; they are in quarantine now.
    quarantined: list[str] = field(default_factory=list)
    #: Batches that are to be extended.
    to_extend: list[str] = field(default_factory=list)
    #: Id of a job that one of arq's own workers holds; empty for none.
    held_by_arq: str = ""
    #: Where the next claim begins, if jobs were passed over.
    position: QueuePosition | None = None
    #: Batches whose queued jobs may not run any more.
    to_sweep: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RenewalReply:
    """The reply to a renewal of leases."""

    #: Redis's time, in ms.
    now: int = 0
    #: Ids of jobs whose lease is lost.
    lost: list[str] = field(default_factory=list)
    #: Ids of jobs that are to be cancelled, and by whom.
    cancelled: dict[str, str] = field(default_factory=dict)
    #: Batches that are to be extended.
    to_extend: set[str] = field(default_factory=set)
    #: Batches whose queued jobs may not run any more.
    to_sweep: set[str] = field(default_factory=set)


class Record(NamedTuple, Generic[R_co]):
    """An outcome ready to be recorded; a named tuple is made in a third of a dataclass's time."""

    attempt: R_co
    status: str
    payload: bytes
    #: Seconds that the result of a job without a batch stays; None or inf: for ever.
    keep: float | None
    #: Seconds after the end of the job for which arq's own workers take it for running.
    keep_in_progress: float = 0.0
    #: Of a slot that did not succeed: its error group, and the name of its job.
    group: ErrorGroup | None = None
    name: str = ""


class Look(NamedTuple):
    """What a look at the queue found."""

    #: Redis's time, in ms.
    now: int
    #: In how many ms a claim may find jobs; None for none that are queued.
    next_in: int | None


class RecordReply(NamedTuple):
    """The reply to the record of some outcomes."""

    #: One for each job: recorded, already, refused or gone; see record_outcomes.lua.
    replies: list[str]
    #: Batches whose queued jobs may not run any more.
    to_sweep: list[str]
    #: Batches whose time to live needs to be set anew.
    to_extend: list[str]


@dataclass(frozen=True, slots=True)
class Release(Generic[F_co]):
    """A claim to give back."""

    attempt: F_co
    #: Seconds after which the job may be claimed again.
    delay: float = 0.0
    #: Whether the attempt counts as used.
    charge: bool = False
    #: Entry of the attempt in the job's history; empty for none.
    entry: bytes = b""


class JobStore:
    """Claims jobs for one worker, renews the leases, records outcomes, releases claims.

    It belongs to the event loop of its client. Replicas are waited for after outcomes alone: a
    claim, a renewal or a release that is lost is as if the worker had died then.
    """

    def __init__(
        self,
        redis: "Redis",
        keys: "KeySpace",
        worker: str,
        lease: float,
        replicas: "Replicas | None" = None,
    ) -> None:
        self._redis, self._keys, self._worker = redis, keys, worker
        self._ping_task: asyncio.Task[None] | None = None
        self._claims = 0
        self._maintenance, self._queue = BatchMaintenance(redis, keys), QueueReader(redis, keys)
        self._bind(round(lease * 1000), replicas)

    def _bind(self, lease: int, replicas: "Replicas | None") -> None:
        redis, keys, worker = self._redis, self._keys, self._worker
        self._claim = script("job/claim_jobs").bind(
            redis, keys, worker=worker, lease=lease, most_bytes=MAX_JOB
        )
        worker_key = keys.worker(worker)
        self._renew = script("job/renew_claims").bind(
            redis, keys, lease=lease, worker=worker, worker_key=worker_key
        )
        self._record = script("job/record_outcomes").bind(redis, keys, replicas, worker=worker)
        self._release = script("job/release_claims").bind(redis, keys)
        self._park = script("job/park_claims").bind(redis, keys)
        self._tend = script("job/tend_lanes").bind(redis, keys)
        self._look = script("job/look_for_jobs").bind(redis, keys, worker=worker)
        self._find = script("job/find_claims").bind(
            redis, keys, worker=worker, lease=lease, n=_SCAN_CHUNK
        )
        self._announce = script("worker/announce_worker").bind(
            redis, keys, ttl=round(LIFETIME * 1000), worker=worker, worker_key=worker_key
        )
        self._sign_off = script("worker/sign_off").bind(
            redis, keys, worker=worker, worker_key=worker_key
        )

    async def claim(
        self,
        n: int,
        since: int,
        last: int,
        passing: Passing = NO_PASSING,
        lanes: Sequence[LaneRoom] = (),
    ) -> ClaimReply:
        """Claim up to `n` jobs, after contact with Redis from `since` until `last` (ms).

        First those in `lanes`, as far as there is room.
        """
        self._claims += 1
        pass_over: tuple[Any, ...] = ()
        if passing.names:
            pass_over = (passing.names, passing.ms, *passing.position)
        (
            now,
            next_in,
            quarantined,
            facts,
            to_extend,
            held_by_arq,
            position,
            to_sweep,
            *raw,
        ) = await self._claim(
            n=n,
            contact_since=since,
            contact_last=last,
            claim=self._claims,
            lanes=codec.encode(list(lanes)) if lanes else b"",
            passing=pass_over,
        )
        batches = batch_facts(facts)
        each = (raw[at : at + 4] for at in range(0, len(raw) - 3, 4))
        jobs = [self._claimed(int(now), batches, *job) for job in each]
        next_ms = None if next_in < 0 else next_in
        others = (texts(quarantined), texts(to_extend), text(held_by_arq))
        start = QueuePosition(text(position[0]), int(position[1])) if position else None
        return ClaimReply(jobs, int(now), next_ms, *others, start, texts(to_sweep))

    async def look(self) -> Look:
        """Look whether a claim may find jobs, which costs less than a claim; signs as alive."""
        now, next_in = map(int, await self._look())
        return Look(now, None if next_in < 0 else next_in)

    async def renew(
        self,
        claims: Iterable[Fenced],
        since: int = 0,
        last: int = 0,
        *,
        sign: bool = True,
        beat: Beat = _NOTHING,
    ) -> RenewalReply:
        """Renew the leases of claims; with `sign`, list this worker as alive.

        The first call takes what the worker tells of itself.
        """
        attempts = list(claims)
        renewal = RenewalReply()
        for start in range(0, max(len(attempts), 1), _RENEWAL_CHUNK):
            now, lost, cancelled, to_extend, to_sweep = await self._renew(
                contact_since=since,
                contact_last=last,
                is_alive=int(sign),
                news=beat.news,
                fields=len(beat.fields),
                claims=[
                    *(part for field in beat.fields.items() for part in field),
                    *(x for a in attempts[start : start + _RENEWAL_CHUNK] for x in self._fence(a)),
                ],
            )
            beat = _NOTHING
            renewal.now = int(now)
            renewal.lost += texts(lost)
            renewal.to_extend.update(texts(to_extend))
            renewal.to_sweep.update(texts(to_sweep))
            pairs = texts(cancelled)
            renewal.cancelled.update(zip(pairs[::2], pairs[1::2], strict=True))
        return renewal

    async def record(self, records: Sequence[Record[Recordable]]) -> RecordReply:
        """Record outcomes; the caller maintains the batches that the reply names."""
        lives = {(r.attempt.batch, r.attempt.life) for r in records if r.attempt.batch}
        of_batches = dict(lives)
        if len(of_batches) < len(lives):
            return await self._record_lives(records, of_batches)
        # One argument for all short fields: packing each costs more than reading them in Lua.
        replies, to_sweep, to_extend = await self._record(
            lives=codec.encode(of_batches),
            groups=codec.encode(_groups(records)),
            jobs=codec.encode([_header(record) for record in records]),
            results=[record.payload for record in records],
        )
        words = texts(replies)
        if len(words) != len(records) or not _WORDS.issuperset(words):
            raise ValueError(f"no replies to {len(records)} outcomes: {words!r:.200}")
        return RecordReply(words, texts(to_sweep), texts(to_extend))

    async def _record_lives(
        self, records: Sequence[Record[Recordable]], lives: Mapping[str, str]
    ) -> RecordReply:
        """Record outcomes of several lives of a batch: those of `lives` first, then the others."""
        first = [lives.get(r.attempt.batch or "", "") == r.attempt.life for r in records]
        parts = {
            is_first: await self.record(
                [r for r, mine in zip(records, first, strict=True) if mine is is_first]
            )
            for is_first in (True, False)
        }
        replies = {is_first: iter(part.replies) for is_first, part in parts.items()}
        return RecordReply(
            [next(replies[mine]) for mine in first],
            [batch for part in parts.values() for batch in part.to_sweep],
            [batch for part in parts.values() for batch in part.to_extend],
        )

    async def sweep(self, batch: str) -> None:
        """End the queued jobs of a batch that was cancelled."""
        await self._maintenance.sweep(batch, force=True)

    async def extend(self, batch: str) -> None:
        """Let a batch stay for as long as its producer asked, or as it may take."""
        await self._maintenance.extend(batch)

    async def record_and_maintain(self, records: Sequence[Record[Recordable]]) -> list[str]:
        """Record outcomes, and sweep and extend their batches; return the reply to each outcome."""
        done = await self.record(records)
        for batch in done.to_sweep:
            await self.sweep(batch)
        for batch in done.to_extend:
            await self.extend(batch)
        return done.replies

    async def release(self, releases: Sequence[Release[Releasable]]) -> int:
        """Give claims back to the queue; return how many were still ours."""
        claims: list[Any] = []
        for r in releases:
            claims += (*self._fence(r.attempt), round(r.delay * 1000), int(r.charge), r.entry)
            claims.append(r.attempt.priority)
        return int(await self._release(claims=claims))

    async def park(self, admissions: Sequence[Admission[Parkable]]) -> list[bool]:
        """Park claims that cannot begin here or now; return for each whether it may begin."""
        claims: list[Any] = []
        for each in admissions:
            gate = each.gate or OPEN
            claims += (*self._fence(each.attempt), each.attempt.place, each.lane, gate.name)
            claims += ("" if n is None else n for n in (gate.most, gate.interval))
        replies = [int(reply) for reply in await self._park(claims=claims)]
        if len(replies) != len(admissions):
            raise ValueError(f"{len(replies)} replies to {len(admissions)} claims")
        return [bool(reply) for reply in replies]

    async def find_claims(self, *, jobs: bool = True) -> tuple[int, list[ClaimedJob]]:
        """Return Redis's time (ms) and the claims of this worker; with the data of their `jobs`."""
        claims: dict[str, ClaimedJob] = {}
        skip, looked, now = 0, _SCAN_CHUNK, 0
        while looked == _SCAN_CHUNK and skip < _LONGEST_SCAN:
            at, looked, *raw = await self._find(skip=skip, with_jobs=int(jobs))
            now, skip = int(at), skip + looked
            for each in range(0, len(raw) - 5, 6):
                claimed = claim_found(*raw[each : each + 6])
                claims[claimed.job_id] = claimed
        return now, list(claims.values())

    def _claimed(
        self,
        now: int,
        batches: Mapping[str, BatchFacts],
        id_: bytes,
        number: Any,
        score: bytes,
        job: Any,
    ) -> ClaimedJob:
        job_id, problem = text(id_), ""
        entries: Sequence[bytes] = ()
        if not isinstance(number, int):
            number, *entries = number
        if isinstance(job, int):
            problem, job = f"its data is {job:,} bytes, more than {MAX_JOB:,}", None
        batch, _, end = job_id.rpartition(":")
        facts = batches.get(batch)
        slot = None if facts is None else slot_in(end, facts.size)
        place = text(score)
        due = due_of(place)
        queued = (job_id, number, job, due if due <= now else 0)  # it gave way to others in a lane
        claim = (self._claims, problem)
        if facts is None or slot is None:
            return ClaimedJob(*queued, None, 0, "", *claim, None, entries, "", place)
        deadline, trace = facts.deadline, facts.trace
        return ClaimedJob(*queued, batch, slot, facts.life, *claim, deadline, entries, trace, place)

    def _fence(self, attempt: Fenced) -> tuple[str, int, str, str, str]:
        """Return id, attempt, token, batch and its life: together they are of this claim alone."""
        token = f"{self._worker}:{attempt.number}:{attempt.claim}"
        return attempt.job_id, attempt.number, token, attempt.batch or "", attempt.life

    async def wait(
        self, timeout: float, lanes: Sequence[str] | None = None, *, punctual: bool = True
    ) -> bool:
        """Wait until there may be work, at most `timeout` seconds; 0.1 s more if not `punctual`.

        With `lanes`, also until one of these has jobs, or `tell_free_place` is called. Returns
        whether it was woken.
        """
        keys = [self._keys.wake]
        if lanes is not None:
            keys += [self._keys.place_free(self._worker), *map(self._keys.lane_wake, lanes)]
        # A server looks at its blocked clients ten times a second, or when it is sent anything.
        loop = asyncio.get_running_loop()
        timer = loop.call_later(timeout + 0.001, self._ping_soon) if punctual else None
        try:
            woken = await self._redis.execute_command("BLPOP", *keys, f"{timeout:.3f}")
        except ResponseError as error:
            if code(error) != "WRONGTYPE":
                raise
            await self._remove_no_lists(keys)
            woken = True  # perhaps: it could not hear
        finally:
            if timer:
                timer.cancel()
            if self._ping_task:  # its connection must not outlive the pool
                await asyncio.wait({self._ping_task}, timeout=1)
                self._ping_task = None
        return woken is not None

    async def _remove_no_lists(self, keys: Sequence[str]) -> None:
        """Remove what another program has written in the place of wake lists: it would stay."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.llen(key)
            lengths = await pipe.execute(raise_on_error=False)
        wrong = [key for key, n in zip(keys, lengths, strict=True) if code(n) == "WRONGTYPE"]
        if wrong:
            await self._redis.unlink(*wrong)

    async def tend_lanes(self, lanes: Iterable[str]) -> None:
        """Say that this worker takes jobs from `lanes`; put back what waits in those of nobody."""
        await self._tend(mine=list(lanes))

    async def tell_free_place(self) -> None:
        """Let `wait` end: a place is free for jobs of a lane."""
        key = self._keys.place_free(self._worker)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.rpush(key, "1")
            pipe.pexpire(key, 60_000)
            await pipe.execute()

    def _ping_soon(self) -> None:
        self._ping_task = asyncio.create_task(self._ping())

    async def _ping(self) -> None:
        with contextlib.suppress(*REDIS_ERRORS):  # `wait` raises them itself
            await self._redis.execute_command("PING")

    async def aborted(self, job_ids: Sequence[str]) -> set[str]:
        """Return those jobs that an arq producer asks to abort."""
        aborted: set[str] = set()
        for start in range(0, len(job_ids), _RENEWAL_CHUNK):
            some = job_ids[start : start + _RENEWAL_CHUNK]
            marks = await self._redis.execute_command("ZMSCORE", self._keys.abort, *some)
            aborted |= {id_ for id_, mark in zip(some, marks, strict=True) if mark is not None}
        return aborted

    async def forget_aborts(self, age: float) -> None:
        """Drop abort marks older than `age` seconds: no worker has their jobs."""
        seconds, _ = await self._redis.execute_command("TIME")
        oldest = round((int(seconds) - age) * 1000)
        await self._redis.execute_command("ZREMRANGEBYSCORE", self._keys.abort, "-inf", oldest)

    async def queued(self) -> int:
        """Return how many jobs are queued or running."""
        return await self._queue.queued()

    async def connect(self, count: int) -> None:
        """Open so many connections now: later there may be no descriptors left for them."""
        await asyncio.gather(*(self._redis.execute_command("PING") for _ in range(count)))

    async def announce(self, record: WorkerRecord, started: int = 0) -> int:
        """Write the record of this worker, which began at `started` (ms), 0 for now.

        Returns when it began, by Redis's clock.
        """
        fields = [part for pair in record._asdict().items() for part in pair]
        return int(await self._announce(started=started, fields=fields))

    async def sign_off(self, end: SignOff = _DRAINED) -> None:
        """Take this worker off the list of live workers, remove its record, and note why it ends.

        What Redis refuses goes by itself; raises only where it does not answer.
        """
        with contextlib.suppress(ResponseError):
            await self._sign_off(news=end.news, event=end.event)


def _header(record: Record[Recordable]) -> tuple[str, ...]:
    attempt, keep = record.attempt, record.keep
    slot = str(attempt.slot) if attempt.batch else ""
    stay = "-1" if keep is None or keep == math.inf else str(round(keep * 1000))
    in_progress = str(round(record.keep_in_progress * 1000)) if record.keep_in_progress else "0"
    history = "1" if attempt.number > 1 or attempt.history else "0"
    number, claim = str(attempt.number), str(attempt.claim)
    header = (attempt.job_id, number, claim, record.status, slot, stay, in_progress, history)
    return header if record.group is None else (*header, record.group.sig)


def _groups(records: Sequence[Record[Recordable]]) -> dict[str, str]:
    """Return what Redis keeps of each error group, as JSON, by signature."""
    texts: dict[str, str] = {}
    for record in records:
        group = record.group
        if group is not None and group.sig not in texts:
            what = {"text": group.text, "where": group.where}
            encoded = codec.encode({**what, "status": record.status, "name": record.name})
            texts[group.sig] = encoded.decode()
    return texts
