"""arq's `Job.abort()`: a mark in Redis, which nobody publishes."""

import asyncio
import contextlib
from collections.abc import Sequence

from gatherq.store.jobs import JobStore
from gatherq.store.server.outages import ERRORS, not_cancelled
from gatherq_worker.engine.executions import Running

#: Seconds between two looks at which running jobs are to be aborted.
_SEEN = 0.1
#: Seconds after which an abort is forgotten; arq's jobs live a day.
_KEPT = 2 * 86_400.0


class Aborts:
    """Looks for the marks of what was claimed, and of what runs."""

    def __init__(self, store: JobStore, running: Running) -> None:
        self._store, self._running = store, running

    async def run(self) -> None:
        """Cancel running jobs that are marked, until cancelled."""
        with contextlib.suppress(*ERRORS):
            await self._store.forget_aborts(_KEPT)
        while not_cancelled():
            await asyncio.sleep(_SEEN)
            for job_id in await self.among(list(self._running.by_id)):
                self._running.cancel_job(job_id, "producer")

    async def among(self, job_ids: Sequence[str]) -> set[str]:
        """Return those that are marked."""
        try:
            return await self._store.aborted(job_ids)
        except Exception:  # seen next time
            return set()
