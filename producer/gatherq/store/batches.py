"""What a producer asks of Redis about its batches."""

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import job_id
from gatherq.contract.validation import MAX_JOBS
from gatherq.contract.values import codec

from .completions import CompletionStream, is_another, life_in
from .maintenance import BatchMaintenance
from .outside import FIELDS, outside_of
from .redrive import Redrive
from .script import script
from .slot_states import SlotStates
from .worker_presence import WorkerPresence
from .wrong_type import unless_wrong_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

    from .server.replicas import Replicas


class Counts(NamedTuple):
    """How many slots of a batch there are, in all and in each state.

    `batch.counts()` returns it:

        counts = await batch.counts()
        print(f"{counts.finished} of {counts.size}, {counts.failed} failed")
    """

    size: int
    running: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    lost: int
    #: Slots that limits hold back: they are not in the queue yet, or wait for a place or at a gate.
    waiting: int = 0

    @property
    def finished(self) -> int:
        """Slots with an outcome."""
        return sum(self[2:_WAITING])


#: Where in the counts `waiting` stands, behind those of outcomes.
_WAITING = Counts._fields.index("waiting")
#: What the value of a key may be.
_VALUES = frozenset((bytes, type(None)))
#: Fields of a batch's hash that are counts.
_COUNTS = Counts._fields[:_WAITING]


class SubmitReply(NamedTuple):
    """What Redis has under the id of a batch, after a chunk of its jobs was submitted."""

    #: Number of its jobs; -1: the batch has gone since its first chunk.
    size: int
    #: First slot that is another job than the one submitted; -1 for none.
    differs: int
    #: Whether it is cancelled already.
    stopped: bool
    #: How many slots are written, where this chunk was to follow more of them: Redis has lost some,
    #: and nothing was written.
    behind: int | None = None
    #: Tells the batch from others under its id; empty where it is not told.
    life: str = ""


class BatchIdentity(NamedTuple):
    """How many jobs a batch has, and what tells it from others under its id (or nothing)."""

    size: int
    life: str


class BatchStore:
    """Submits and cancels batches, and reads their results; its members do the rest.

    Replicas are waited for after what its caller is told that it holds: jobs that are queued, or
    cancelled.
    """

    def __init__(
        self, redis: "Redis", keys: "KeySpace", replicas: "Replicas | None" = None
    ) -> None:
        self._redis = redis
        self.keys: KeySpace = keys
        #: Which slots ended.
        self.completions: CompletionStream = CompletionStream(redis, keys)
        #: Sweep, mend, extend and delete.
        self.maintenance: BatchMaintenance = BatchMaintenance(redis, keys)
        self.redrive: Redrive = Redrive(redis, keys, replicas)
        #: What Redis has of single slots.
        self.slot_states: SlotStates = SlotStates(redis, keys)
        #: Who is there to run jobs.
        self.presence: WorkerPresence = WorkerPresence(redis)
        self._submit = script("batch/submit").bind(redis, keys, replicas)
        self._cancel = script("batch/cancel").bind(redis, keys, replicas)
        self._renew_lease = script("batch/renew_producer_lease").bind(redis, keys)

    async def submit(
        self,
        batch: str,
        size: int,
        keep: float,
        first: int,
        jobs: "Sequence[bytes]",
        *,
        options: BatchOptions = BatchOptions(),  # noqa: B008 (a constant)
        origin: BatchOrigin = BatchOrigin(),  # noqa: B008 (a constant)
        digests: bytes = b"",
        life: str = "",
        patience: float | None = None,
        terms: "Mapping[int, tuple[int | None, float | None]] | None" = None,
    ) -> SubmitReply:
        """Write jobs from slot `first` on; with `digests`, only if none of them differs.

        `life` tells this batch from others under its id; `keep` is how many seconds it stays after
        its end; `origin` is kept for people. Its producer counts as dead if it does not write the
        next jobs within `patience` seconds; None for a named batch, which may be continued later.
        `terms`: priority and delay (s) of the jobs that have their own, by slot.
        """
        found, differs, stopped, written, *life_of_it = await self._submit(
            batch_key=self.keys.batch(batch),
            digests_key=self.keys.digests(batch),
            batch_id=batch,
            size=size,
            keep=round(keep * 1000),
            first=first,
            options=codec.encode({**options.encoded(), **origin.encoded()}),
            new_digests=digests,
            life=life,
            patience="" if patience is None else round(patience * 1000),
            terms=_encoded(terms or {}, options.priority),
            jobs=jobs,
        )
        behind = written if 0 <= written < first and found == size else None
        known = life_in(life_of_it[0]) if life_of_it else ""
        reply = SubmitReply(int(found), int(differs), bool(stopped), behind, known)
        if reply.differs >= size:
            raise ValueError(f"slot {reply.differs} of {size}")
        return reply

    async def name_of(self, batch: str, slot: int) -> str | None:
        """Return the function name of a job in Redis, queued or ended; None for no such job."""
        id_ = job_id(batch, slot)
        for payload in await self._redis.mget(self.keys.job(id_), self.keys.result(id_)):
            if payload is not None:
                with contextlib.suppress(Exception):  # damaged, or of another program
                    return str(codec.from_json(payload)["f"])[:256]
        return None

    async def renew_lease(self, batch: str) -> bool:
        """Renew the producer lease; False where there is none to renew any more."""
        return bool(await self._renew_lease(batch_key=self.keys.batch(batch), batch_id=batch))

    async def drop_lease(self, batch: str) -> None:
        """Let the batch go on without its producer."""
        command = self._redis.execute_command("HDEL", self.keys.batch(batch), "lease", "leased")
        await unless_wrong_type(command)

    async def cancel(self, batch: str, slots: "Sequence[int]", by: str, request: str) -> int | None:
        """Cancel some hundred slots, or the whole batch where `slots` is empty.

        Returns how many slots end here or are asked to end; None for no such batch. Repeated with
        the same `request`, it returns the same.
        """
        encoded = codec.encode(list(slots))
        reply = await self._cancel(batch_id=batch, by=by, slots=encoded, request=request)
        if reply is None:
            return None
        _, ended, asked, must_extend = reply
        if must_extend:
            await self.maintenance.extend(batch)
        return int(ended + asked)

    async def identity(self, batch: str) -> BatchIdentity | None:
        """Return which batch stands under an id; None for none."""
        command = self._redis.execute_command("HMGET", self.keys.batch(batch), "size", "life")
        raw, life = await unless_wrong_type(command) or (None, None)
        size = _size_in(raw)
        return None if size is None else BatchIdentity(size, life_in(life))

    async def counts(self, batch: str) -> Counts | None:
        """Return how the batch stands, or None if it is not in Redis."""
        names = dict.fromkeys((*_COUNTS, "parked", *FIELDS))
        command = self._redis.execute_command("HMGET", self.keys.batch(batch), *names)
        reply = await unless_wrong_type(command)
        if reply is None:
            return None
        fields = dict(zip(names, reply, strict=True))
        if (size := _size_in(fields["size"])) is None:
            return None
        counts = Counts(size, *(_whole(fields[name]) or 0 for name in _COUNTS[1:]))
        waiting = outside_of(fields).total + (_whole(fields["parked"]) or 0)
        left = max(size - counts.finished - counts.running, 0)
        return counts._replace(waiting=min(waiting, left))

    async def results(
        self, batch: str, slots: "Sequence[int]", life: str = ""
    ) -> list[bytes | None] | None:
        """Return the stored result of each slot; None where the batch has another life by now."""
        head = self.keys.result(f"{batch}:")
        keys = [f"{head}{slot}" for slot in slots]
        found: bytes | None = None
        results: list[Any]
        if life:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.execute_command("MGET", *keys)
                pipe.execute_command("HGET", self.keys.batch(batch), "life")  # as it is after that
                results, found = await pipe.execute(raise_on_error=False)
        else:
            results = await self._redis.execute_command("MGET", *keys)
        if isinstance(results, Exception):
            raise results
        if len(results) != len(keys) or not _VALUES.issuperset(map(type, results)):
            raise ValueError(f"no values of {len(keys)} keys: {results!r:.200}")
        known = isinstance(found, bytes)  # else the hash is lost, or of another type
        return None if known and is_another(life_in(found), life) else results


def _encoded(terms: "Mapping[int, tuple[int | None, float | None]]", priority: int) -> bytes:
    """Return the terms of jobs as submit.lua takes them; empty for none."""
    if not terms:
        return b""
    ms = {
        str(slot): (priority if level is None else level, round((delay or 0) * 1000))
        for slot, (level, delay) in terms.items()
    }
    return codec.encode(ms)


def _size_in(raw: bytes | None) -> int | None:
    """Return how many slots a batch has; None where it is being deleted, or damaged."""
    size = _whole(raw)
    return size if size is not None and size <= MAX_JOBS else None


def _whole(raw: bytes | None) -> int | None:
    """Return a count as Redis has it; None for anything else."""
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 16 else None
