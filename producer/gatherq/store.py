"""What a producer asks of Redis. Nothing else on this side speaks to it."""

from typing import TYPE_CHECKING, Any, NamedTuple

from . import codec, keys
from .mending import Mending
from .redrive import REDRIVEN, Redrive
from .scripts import Script
from .standing import Standing, Standings
from .stream import Streams
from .terms import Terms
from .upkeep import RUN, Swept, Upkeep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis


#: Last words on a slot that there is no reason to run again.
_NOT_AGAIN = ("succeeded", REDRIVEN)


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


class Mended(NamedTuple):
    """What a look at slots found."""

    #: Those that have a result now: recorded before, or ended by this look.
    ended: list[int]
    #: How many slots of the batch its producer has written; the size when all are.
    written: int


class Store(Streams):
    """Submit, cancel, read completions, fetch results."""

    def __init__(self, redis: "Redis", queue: str) -> None:
        super().__init__(redis)
        self._queue = queue
        self._submit, self._cancel = Script("submit"), Script("cancel")
        self._lease = Script("lease")
        self._upkeep, self._redrive = Upkeep(redis, queue), Redrive(redis, queue)
        self._standings = Standings(redis, queue)

    async def submit(
        self,
        batch: str,
        size: int,
        keep: float,
        first: int,
        jobs: "Sequence[bytes]",
        *,
        terms: Terms = Terms(),  # noqa: B008 (a constant)
        digests: bytes = b"",
    ) -> Submitted:
        """Write jobs from slot `first` on; with `digests`, only if none of them differs."""
        key = (self._queue, keys.batch(batch), keys.wake(self._queue), keys.digests(batch))
        terms_ = codec.encode(terms.encoded())
        head = (batch, size, round(keep * 1000), first, keys.JOB, keys.RESULT, terms_, digests)
        there, differs, stopped = await self._submit(self._redis, key, (*head, *jobs))
        return Submitted(there, differs, bool(stopped))

    async def name_of(self, batch: str, slot: int) -> str | None:
        """Return the name of a job that is there, queued or ended."""
        id_ = keys.job_id(batch, slot)
        for payload in await self._redis.mget(keys.job(id_), keys.result(id_)):
            if payload is not None:
                return str(codec.from_json(payload)["f"])
        return None

    async def renew_lease(self, batch: str) -> bool:
        """Show that the producer lives; False where there is no lease to renew any more."""
        return bool(await self._lease(self._redis, (keys.batch(batch),), ()))

    async def drop_lease(self, batch: str) -> None:
        """Let the batch go on without its producer."""
        await self._redis.execute_command("HDEL", keys.batch(batch), "lease", "leased")

    async def cancel(self, batch: str, slots: "Sequence[int] | None", by: str) -> int | None:
        """Cancel slots, or all with None; return how many were ended or asked to end.

        None: there is no such batch in Redis.
        """
        key = (self._queue, keys.cancel(self._queue))
        count = 0
        wanted = [] if slots is None else sorted(set(slots))
        for start in range(0, max(len(wanted), 1), RUN):
            run = codec.encode(wanted[start : start + RUN])
            argv = (keys.PREFIXES, batch, by, keys.control(self._queue), run)
            found = await self._cancel(self._redis, key, argv)
            if found is None:
                return None
            count += found[1] + found[2]
            if found[3]:
                await self._upkeep.extend(batch)
        if slots is None and count:
            await self.sweep(batch, force=True)
        return count

    async def sweep(self, batch: str, *, force: bool = False) -> Swept | None:
        """End what may not run any more, and say when to look again."""
        return await self._upkeep.sweep(batch, force=force)

    async def redrive(self, batch: str) -> int | None:
        """Run again all that ended and did not succeed; return how many, None for no batch."""
        await self._upkeep.extend(batch)
        return await self._redrive(batch, await self._unsuccessful(batch))

    async def delete(self, batch: str) -> bool:
        """Remove all that there is of a batch; False if there is nothing."""
        return await self._upkeep.delete(batch)

    async def standings(self, batch: str, slots: "Sequence[int]") -> "list[Standing] | None":
        """Tell what there is of slots without a result; None: there is no such batch in Redis."""
        return await self._standings(batch, slots)

    async def mend(self, batch: str, slots: "Sequence[int]", written: int) -> Mended | None:
        """Put back or end what is lost of these slots; None: there is no such batch in Redis.

        `written` is what the look before returned, -1 at first: what was never written is ended
        if its producer has written nothing since.
        """
        return await Mending(self._redis, self._queue)(batch, slots, written)

    async def recorded(self, batch: str, slots: "Sequence[int]") -> list[int]:
        """Return those of these slots that have a result."""
        return await self._standings.recorded(batch, slots)

    async def _unsuccessful(self, batch: str) -> list[int]:
        after, last = b"0", dict[int, str]()
        while True:
            after, found = await self.completions(batch, after)
            if not found:
                return sorted(s for s, status in last.items() if status not in _NOT_AGAIN)
            last.update(found)

    async def counts(self, batch: str) -> Counts | None:
        """Return how the batch stands, or None if it is not in Redis."""
        found = await self._redis.execute_command(
            "HMGET", keys.batch(batch), *(field for field in Counts._fields)
        )
        return None if found[0] is None else Counts(*(max(int(n or 0), 0) for n in found))

    async def results(self, batch: str, slots: "Sequence[int]") -> list[bytes | None]:
        """Return the stored result of each slot."""
        wanted = [keys.result(keys.job_id(batch, slot)) for slot in slots]
        found: list[Any] = await self._redis.execute_command("MGET", *wanted)
        return found
