"""The submission of one batch: its calls checked, encoded, and written in chunks."""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gatherq.aio import finish_first
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.jobs import Call
from gatherq.contract.validation import (
    check_batch_id,
    check_jobs,
    check_priority,
    check_timeout,
)
from gatherq.contract.values.annotations import warn_about
from gatherq.contract.values.codec import Decoder
from gatherq.errors import BatchConflict, BatchNotFound, InvalidCall, check_delay
from gatherq.store.batches import SubmitReply
from gatherq.store.server.errors import REDIS_ERRORS

from . import batch_operations, job_encoding
from .session import Session

#: Seconds beyond its patience after which a silent producer has given up, for certain.
_MARGIN = 5.0


class Submission:
    """Writes calls as one batch, once.

    Under a `batch_id` of the caller, the jobs are compared with those that are there already, and
    a failed submission can be continued later. Without one, a submission that fails or is
    cancelled leaves nothing behind that runs.

    Raises InvalidCall or PayloadTooLarge, with the slot, before anything is written. `timeout` and
    `queue_timeout` of each job are in seconds; those of a call win. `origin` is kept for people.
    """

    def __init__(
        self,
        session: Session,
        calls: Sequence[Call[Any]],
        batch_id: str | None,
        timeout: float | None,
        queue_timeout: float | None,
        priority: int = 0,
        delay: float = 0.0,
        origin: BatchOrigin = BatchOrigin(),  # noqa: B008 (a constant)
    ) -> None:
        check_jobs(len(calls))
        check_timeout(timeout)
        check_timeout(queue_timeout, "queue_timeout")
        check_priority(priority)
        check_delay(delay)
        self._named = batch_id is not None
        self.batch_id: str = secrets.token_hex(8) if batch_id is None else check_batch_id(batch_id)
        self._session, self._calls = session, calls
        self._origin = origin.of(call.name for call in calls)
        if session.warns:
            _warn(calls)
        terms = (timeout, queue_timeout, priority, delay)
        self._jobs = job_encoding.encode_all(calls, self.batch_id, *terms)
        self._terms = job_encoding.own_terms(calls)
        #: Shortest time that a job of the batch may wait in the queue, in seconds.
        self.queue_timeout: float | None = job_encoding.shortest_queue_timeout(calls, queue_timeout)
        #: What tells the batch from others under its id, once it is written. An id that was drawn
        #: here is never another's, and needs none.
        self.life: str = ""
        #: How many slots may be in Redis.
        self._written = 0
        self._chunk: asyncio.Task[SubmitReply] | None = None

    def __len__(self) -> int:
        return len(self._jobs)

    def check_limits(self, max_at_once: int | None, max_per_second: float | None) -> None:
        """Raise InvalidCall for a job with a delay of its own in a batch that is limited."""
        if max_at_once is None and max_per_second is None:
            return
        for slot, (_, delay) in self._terms.items():
            if delay is not None:
                raise InvalidCall(
                    f"slot {slot}: the jobs of a batch with max_at_once or max_per_second start in "
                    "turn, so a call of it has no after() of its own: submit(..., delay=) delays "
                    "the batch, or submit the delayed calls as another batch",
                    slot=slot,
                    name=self._calls[slot].name,
                )

    def decoders(self) -> list[Decoder | None] | None:
        """Return what turns each result into its annotated type; None where no call has one."""
        if any(call.function for call in self._calls):
            return [call.decode for call in self._calls]
        return None

    def names(self) -> list[str]:
        """Return the names of the jobs: one for each slot, or one for all."""
        names = [call.name for call in self._calls]
        return names if len(set(names)) > 1 else names[:1]

    async def write(
        self, options: BatchOptions, keep: float, patience: float, trace: str = ""
    ) -> None:
        """Write the batch, to stay `keep` seconds after its end, with its `trace` if it has one.

        `patience` is how long this producer goes on while Redis is away, in seconds. Cancelled
        meanwhile, it ends with the chunk that is under way. Raises BatchConflict, BatchNotFound
        and RedisUnavailable.
        """
        self._origin = replace(self._origin, trace=trace)
        try:
            cancelled = await self._write_chunks(options, keep, patience)
        except asyncio.CancelledError:
            if not self._named:  # nobody will know its id
                await batch_operations.stop(
                    self._session, self.batch_id, self._written, after=self._chunk
                )
            raise
        except Exception:
            if not self._named and self._written:
                await self._abandon()
            raise
        if options.lease is not None:
            self._session.leases.hold(self.batch_id, options.lease)
        if cancelled:
            await self._session.retry(
                self._session.store.maintenance.sweep, self.batch_id, force=True
            )

    async def _write_chunks(self, options: BatchOptions, keep: float, patience: float) -> bool:
        """Write all chunks; return whether the batch is cancelled already."""
        chunks = list(job_encoding.chunks(self._jobs))
        life = secrets.token_hex(6)
        # A producer that waits no longer than its patience has given up a little later.
        silence = None if self._named else patience + _MARGIN
        at = 0
        while True:
            first, jobs = chunks[at]
            self._written = max(self._written, first + len(jobs))
            reply = await self._session.retry(
                self._write_chunk, first, jobs, options, keep, life, silence
            )
            if reply.size < 0:
                raise self._gone()
            if reply.behind is not None:  # Redis came back without its last writes
                behind = reply.behind
                at = max(n for n, (begin, _) in enumerate(chunks) if begin <= behind)
                continue
            if reply.size != len(self._jobs) or reply.differs >= 0:
                raise await self._conflict(reply)
            at += 1
            if at == len(chunks):
                self.life = reply.life if self._named else ""
                return reply.stopped

    async def _write_chunk(
        self,
        first: int,
        jobs: Sequence[bytes],
        options: BatchOptions,
        keep: float,
        life: str,
        silence: float | None,
    ) -> SubmitReply:
        self._chunk = self._session.spawn(
            self._session.store.submit(
                self.batch_id,
                len(self._jobs),
                keep,
                first,
                jobs,
                options=options,
                origin=self._origin,
                digests=job_encoding.digests(jobs) if self._named else b"",
                life=life,
                patience=silence,
                terms=self._terms_of(range(first, first + len(jobs))),
            ),
            finish=True,
        )
        return await finish_first(self._chunk)

    def _terms_of(self, slots: range) -> dict[int, tuple[int | None, float | None]] | None:
        if not self._terms:
            return None
        return {slot: self._terms[slot] for slot in slots if slot in self._terms}

    async def _abandon(self) -> None:
        """Cancel the written part; where Redis is away, the workers do it later."""
        store, batch = self._session.store, self.batch_id
        with contextlib.suppress(*REDIS_ERRORS):
            await store.cancel(batch, (), "producer", secrets.token_hex(6))
            await store.maintenance.sweep(batch, force=True)

    def _gone(self) -> BatchNotFound:
        return BatchNotFound(
            f"batch {self.batch_id} has gone from Redis while it was submitted: deleted, "
            "expired, or flushed",
            batch_id=self.batch_id,
        )

    async def _conflict(self, reply: SubmitReply) -> BatchConflict:
        slot = None if reply.size != len(self._jobs) else reply.differs
        if slot is None:
            difference = f"with {reply.size} jobs and not {len(self._jobs)}"
        else:
            difference = await self._difference(slot)
        return BatchConflict(
            f"batch {self.batch_id} is there already, {difference}; choose another batch_id",
            batch_id=self.batch_id,
            slot=slot,
        )

    async def _difference(self, slot: int) -> str:
        ours = self._calls[slot].name
        name = await self._session.retry(self._session.store.name_of, self.batch_id, slot)
        if name is None:
            return f"and slot {slot} is another job"
        if name == ours:
            return f"and slot {slot} is {ours}(...) with other arguments"
        return f"and slot {slot} is {name}(...), not {ours}(...)"


def _warn(calls: Sequence[Call[Any]]) -> None:
    """Log annotations that cannot be used, once a job."""
    for function in {call.function for call in calls if call.function}:
        warn_about(function)
