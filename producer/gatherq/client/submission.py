"""One batch being written, run by run."""

import secrets
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gatherq.aio import finish_first
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.jobs import Call
from gatherq.errors import BatchConflict, BatchNotFound
from gatherq.store.batches import Submitted

from . import job_encoding
from .session import Session

if TYPE_CHECKING:
    import asyncio

#: Seconds beside its patience after which a producer that does not go on has given up.
_ROOM = 5.0


class Submission:
    """Writes jobs under an id; `named` by the caller, they are compared with what is there."""

    def __init__(
        self,
        session: Session,
        batch_id: str,
        calls: Sequence[Call[Any]],
        named: bool,
        patience: float,
    ) -> None:
        self._session, self._id, self._calls, self._named = session, batch_id, calls, named
        self._life = secrets.token_hex(6)
        # Who waits for Redis no longer than that has given up a little later, for certain.
        self._patience = None if named else patience + _ROOM
        #: Slots that may have been written.
        self.written = 0
        #: The run that is on its way.
        self.task: asyncio.Task[Submitted] | None = None

    async def run(self, jobs: Sequence[bytes], terms: BatchOptions, keep: float) -> bool:
        """Write all runs; return whether the batch is cancelled already.

        Cancelled meanwhile, it ends with the run that is on its way.
        """
        runs = list(job_encoding.runs(jobs))
        at = 0
        while True:
            first, part = runs[at]
            self.written = max(self.written, first + len(part))
            there = await self._session.retrying(
                partial(self._write, jobs, terms, keep, first, part)
            )
            if there.size < 0:
                raise BatchNotFound(
                    f"batch {self._id} has gone from Redis while it was submitted: deleted, "
                    "expired, or flushed",
                    batch_id=self._id,
                )
            if there.behind is not None:  # Redis came back without its last writes
                behind = there.behind
                at = max(n for n, (begin, _) in enumerate(runs) if begin <= behind)
                continue
            if there.size != len(jobs) or there.differs >= 0:
                raise await self._conflict(there)
            at += 1
            if at == len(runs):
                return there.stopped

    def _write(
        self,
        jobs: Sequence[bytes],
        terms: BatchOptions,
        keep: float,
        first: int,
        part: Sequence[bytes],
    ) -> Awaitable[Submitted]:
        self.task = self._session.spawn(
            self._session.store.submit(
                self._id,
                len(jobs),
                keep,
                first,
                part,
                terms=terms,
                digests=job_encoding.digests(part) if self._named else b"",
                life=self._life,
                patience=self._patience,
            ),
            promised=True,
        )
        return finish_first(self.task)

    async def _conflict(self, there: Submitted) -> BatchConflict:
        if there.size != len(self._calls):
            what, slot = f"with {there.size} jobs and not {len(self._calls)}", None
        else:
            slot = there.differs
            ours = self._calls[slot].name
            name = await self._session.retrying(lambda: self._session.store.name_of(self._id, slot))
            if name is None:
                what = f"and slot {slot} is another job"
            elif name == ours:
                what = f"and slot {slot} is {ours}(...) with other arguments"
            else:
                what = f"and slot {slot} is {name}(...), not {ours}(...)"
        return BatchConflict(
            f"batch {self._id} is there already, {what}; choose another batch_id",
            batch_id=self._id,
            slot=slot,
        )
