"""arq's `Job.abort()`: a mark in Redis, which nobody publishes."""

import asyncio
import contextlib
from collections.abc import Sequence

from .health import ERRORS, wanted
from .running import Running
from .store import Store

#: Seconds between two looks at which running jobs are to be aborted.
_SEEN = 0.1
#: Seconds after which an abort is forgotten; arq's jobs live a day.
_KEPT = 2 * 86_400.0


class Aborts:
    """Looks for the marks of what was claimed, and of what runs."""

    def __init__(self, store: Store, running: Running) -> None:
        self._store, self._running = store, running

    async def run(self) -> None:
        """Cancel running jobs that are marked, until cancelled."""
        with contextlib.suppress(*ERRORS):
            await self._store.forget_aborts(_KEPT)
        while wanted():
            await asyncio.sleep(_SEEN)
            for job_id in await self.among(list(self._running.by_id)):
                self._running.cancel_job(job_id, "producer")

    async def among(self, job_ids: Sequence[str]) -> set[str]:
        """Return those that are marked."""
        try:
            return await self._store.aborted(job_ids)
        except Exception:  # seen next time
            return set()
