"""Abort requests that nobody publishes: asked for at each claim, and again while jobs run."""

import asyncio
from collections.abc import Sequence

from gatherq.store.server.outages import not_cancelled

from .attempts import Attempts
from .options import AbortSource

#: Seconds between two questions for the jobs that run.
_INTERVAL = 0.1


class AbortPoll:
    """Cancels the running jobs that a source of abort requests names."""

    def __init__(self, source: AbortSource, attempts: Attempts) -> None:
        self._source, self._attempts = source, attempts

    async def run(self) -> None:
        """Ask until cancelled."""
        await self._source.forget()
        while not_cancelled():
            await asyncio.sleep(_INTERVAL)
            running = [attempt.job_id for attempt in self._attempts.running()]
            for job_id in await self.requested(running):
                self._attempts.cancel_job(job_id, "producer")

    async def requested(self, job_ids: Sequence[str]) -> set[str]:
        """Return those of the jobs that are to be aborted; never raises."""
        return await self._source.requested(job_ids)
