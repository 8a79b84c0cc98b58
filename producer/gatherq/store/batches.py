"""What a producer asks of Redis. Nothing else on this side speaks to it."""

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from gatherq.contract import keys
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.values import codec

from .completions import CompletionStream
from .maintenance import BatchMaintenance, Mended, Swept
from .redrive import Redrive
from .script import Script
from .server.connection import database_of
from .slot_states import SlotState, SlotStates
from .wrong_type import unless_foreign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis


class Counts(NamedTuple):
    """How a batch stands, by slot."""

    size: int
    running: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    lost: int

    @property
    def finished(self) -> int:
        """Slots with an outcome."""
        return sum(self[2:])


class Submitted(NamedTuple):
    """What is there under the id of a batch, once a run of it was written."""

    #: Number of its jobs; -1: it has gone since its first run.
    size: int
    #: First slot that is another job than the one submitted; -1 for none.
    differs: int
    #: Whether it is cancelled already.
    stopped: bool
    #: How many slots are written, where that is less than what was to be gone on from: nothing was
    #: written then.
    behind: int | None = None


class BatchStore(CompletionStream):
    """Submit, cancel, read completions, fetch results."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        super().__init__(redis)
        self._queue = queue
        self._channel = keys.control(queue, database_of(redis))
        self._submit, self._cancel = Script("submit"), Script("cancel")
        self._lease = Script("lease")
        self._upkeep, self._redrive = BatchMaintenance(redis, queue), Redrive(redis, queue)
        self._standings = SlotStates(redis, queue)

    async def submit(
        self,
        batch: str,
        size: int,
        keep: float,
        first: int,
        jobs: "Sequence[bytes]",
        *,
        terms: BatchOptions = BatchOptions(),  # noqa: B008 (a constant)
        digests: bytes = b"",
        life: str = "",
        patience: float | None = None,
    ) -> Submitted:
        """Write jobs from slot `first` on; with `digests`, only if none of them differs.

        `life` tells this batch from others under its id. Its producer has given up if it does not
        write more within `patience` seconds; None for one that may be gone on with later.
        """
        key = (self._queue, keys.batch(batch), keys.wake(self._queue), keys.digests(batch))
        terms_ = codec.encode(terms.encoded())
        head = (keys.PREFIXES, batch, size, round(keep * 1000), first, terms_, digests, life)
        gives_up = "" if patience is None else round(patience * 1000)
        argv = (*head, gives_up, self._channel, *jobs)
        there, differs, stopped, written = await self._submit(self._redis, key, argv)
        behind = written if 0 <= written < first and there == size else None
        return Submitted(there, differs, bool(stopped), behind)

    async def name_of(self, batch: str, slot: int) -> str | None:
        """Return the name of a job that is there, queued or ended."""
        id_ = keys.job_id(batch, slot)
        for payload in await self._redis.mget(keys.job(id_), keys.result(id_)):
            if payload is not None:
                with contextlib.suppress(Exception):  # damaged, or somebody else's
                    return str(codec.from_json(payload)["f"])[:256]
        return None

    async def renew_lease(self, batch: str) -> bool:
        """Show that the producer lives; False where there is no lease to renew any more."""
        argv = (keys.PREFIXES, batch)
        return bool(await self._lease(self._redis, (keys.batch(batch),), argv))

    async def drop_lease(self, batch: str) -> None:
        """Let the batch go on without its producer."""
        dropped = self._redis.execute_command("HDEL", keys.batch(batch), "lease", "leased")
        await unless_foreign(dropped)

    async def cancel(self, batch: str, slots: "Sequence[int]", by: str, request: str) -> int | None:
        """Cancel slots, some hundred, or with none all; return how many end, or are asked to.

        None: no such batch in Redis. Repeated with the same `request`, it returns the same.
        """
        key = (self._queue, keys.cancel(self._queue))
        argv = (keys.PREFIXES, batch, by, self._channel, codec.encode(list(slots)), request)
        found = await self._cancel(self._redis, key, argv)
        if found is None:
            return None
        if found[3]:
            await self._upkeep.extend(batch)
        return int(found[1] + found[2])

    async def sweep(
        self, batch: str, *, force: bool = False, contact: tuple[int, int] = (0, 0)
    ) -> Swept | None:
        """End what may not run any more, and say when to look again."""
        return await self._upkeep.sweep(batch, force=force, contact=contact)

    async def mend(self, batch: str, slots: "Sequence[int]", written: int) -> Mended | None:
        """Put back, or end, what Redis has lost of these slots; see `Upkeep.mend`."""
        return await self._upkeep.mend(batch, slots, written)

    async def extend(self, batch: str) -> None:
        """Let a batch stay from now on."""
        await self._upkeep.extend(batch)

    async def size_of(self, batch: str) -> int:
        """Return how many slots a batch has, also one that is being deleted; 0 for no batch."""
        return await self._upkeep.size_of(batch)

    async def delete(self, batch: str, first: int) -> int:
        """Remove a run of slots, and with the last run the batch; return the next slot, or 0."""
        return await self._upkeep.delete(batch, first)

    async def ended_badly(self, batch: str, ended: "Mapping[int, str]") -> "list[list[object]]":
        """Return what a redrive needs of slots that ended with these statuses."""
        found = await self._redrive.described(batch, ended)
        return [each for each in found if each[2] != "succeeded"]

    async def put_back(
        self, batch: str, first: bool, slots: "Sequence[list[object]]", request: str
    ) -> int | None:
        """Run these again that ended so; return how many, None for no batch."""
        return await self._redrive.put_back(batch, first, slots, request)

    async def standings(self, batch: str, slots: "Sequence[int]") -> "list[SlotState] | None":
        """Tell what there is of slots without a result; None: there is no such batch in Redis."""
        return await self._standings(batch, slots)

    async def recorded(self, batch: str, slots: "Sequence[int]") -> list[int]:
        """Return those of these slots that have a result."""
        return await self._standings.recorded(batch, slots)

    async def counts(self, batch: str) -> Counts | None:
        """Return how the batch stands, or None if it is not in Redis."""
        wanted = self._redis.execute_command("HMGET", keys.batch(batch), *Counts._fields)
        found = await unless_foreign(wanted)
        if found is None:
            return None
        size = _whole(found[0])
        return None if size is None else Counts(size, *(_whole(n) or 0 for n in found[1:]))

    async def results(self, batch: str, slots: "Sequence[int]") -> list[bytes | None]:
        """Return the stored result of each slot."""
        head = keys.result(f"{batch}:")
        wanted = [f"{head}{slot}" for slot in slots]
        found: list[Any] = await self._redis.execute_command("MGET", *wanted)
        return found


def _whole(raw: bytes | None) -> int | None:
    """Return a count as it stands in Redis; None for what is none."""
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 16 else None
