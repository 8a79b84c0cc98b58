"""One batch being written, run by run."""

from collections.abc import Sequence
from typing import Any

from . import submit
from .calls import Call
from .errors import BatchConflict, BatchNotFound
from .link import Link, finish_first
from .store import Submitted
from .terms import Terms


class Writing:
    """Writes jobs under an id; `named` by the caller, they are compared with what is there."""

    def __init__(self, link: Link, batch_id: str, calls: Sequence[Call[Any]], named: bool) -> None:
        self._link, self._id, self._calls, self._named = link, batch_id, calls, named
        #: Slots that may have been written.
        self.written = 0

    async def run(self, jobs: Sequence[bytes], terms: Terms, keep: float) -> bool:
        """Write all runs; return whether the batch is cancelled already.

        Cancelled meanwhile, it ends with the run that is on its way.
        """
        stopped = False
        for first, part in submit.runs(jobs):
            self.written = first + len(part)
            digests = submit.digests(part) if self._named else b""
            there = await self._link.retrying(
                lambda first=first, part=part, digests=digests: finish_first(  # type: ignore[misc]
                    self._link.store.submit(
                        self._id, len(jobs), keep, first, part, terms=terms, digests=digests
                    )
                )
            )
            if there.size < 0:
                raise BatchNotFound(
                    f"batch {self._id} has gone from Redis while it was submitted: deleted, "
                    "expired, or flushed",
                    batch_id=self._id,
                )
            if there.size != len(jobs) or there.differs >= 0:
                raise await self._conflict(there)
            stopped = there.stopped
        return stopped

    async def _conflict(self, there: Submitted) -> BatchConflict:
        if there.size != len(self._calls):
            what, slot = f"with {there.size} jobs and not {len(self._calls)}", None
        else:
            slot = there.differs
            ours = self._calls[slot].name
            name = await self._link.retrying(lambda: self._link.store.name_of(self._id, slot))
            if name in (ours, None):
                what = f"and slot {slot} is {ours}(...) with other arguments"
            else:
                what = f"and slot {slot} is {name}(...), not {ours}(...)"
        return BatchConflict(
            f"batch {self._id} is there already, {what}; choose another batch_id",
            batch_id=self._id,
            slot=slot,
        )
