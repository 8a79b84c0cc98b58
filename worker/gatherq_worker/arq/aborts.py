"""arq's `Job.abort()`, which leaves a mark in Redis and publishes nothing."""

import contextlib
from collections.abc import Sequence

from gatherq.store.jobs import JobStore
from gatherq.store.server.errors import REDIS_ERRORS

#: Seconds after which an abort is forgotten; arq's jobs live a day.
_KEPT = 2 * 86_400.0


class Aborts:
    """The marks of jobs that arq's producers want to be aborted."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    async def requested(self, job_ids: Sequence[str]) -> set[str]:
        """Return those that are marked; never raises."""
        try:
            return await self._store.aborted(job_ids)
        except Exception:  # it is seen the next time
            return set()

    async def forget(self) -> None:
        """Remove marks older than any job of arq's; never raises."""
        with contextlib.suppress(*REDIS_ERRORS):
            await self._store.forget_aborts(_KEPT)
