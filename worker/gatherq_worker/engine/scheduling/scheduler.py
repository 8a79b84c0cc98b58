"""The scheduler queues the runs of scheduled jobs when they are due, and sleeps in between."""

import asyncio
from typing import Protocol

from gatherq.aio import not_cancelled
from gatherq.store.cron import CronRun
from gatherq.store.server.outages import OutageLog

from .timetable import Timetable

#: Seconds after which it looks at Redis's clock again, which may have been set meanwhile.
_LONGEST = 60.0


class RunStore(Protocol):
    """Where the runs go, and the clock that they go by: `gatherq.store.cron`."""

    async def now(self) -> int: ...

    async def enqueue(self, cron: CronRun, /) -> bool: ...


class Scheduler:
    """Queues what is due by Redis's clock, as every worker does; Redis takes each run once."""

    def __init__(self, store: RunStore, timetable: Timetable) -> None:
        self._store, self._timetable = store, timetable
        self._outages = OutageLog()

    async def run(self) -> None:
        """Queue until cancelled; while Redis is away, it tries on."""
        while self._timetable and not_cancelled():
            try:
                wait = await self._queue_due()
            except Exception as error:
                await self._outages.note_error("queue the scheduled jobs", error)
                continue
            self._outages.note_answer()
            await asyncio.sleep(min(wait, _LONGEST))

    async def _queue_due(self) -> float:
        """Queue what is due, and return the seconds until the next run."""
        now = await self._store.now()
        for run in self._timetable.due(now):
            await self._store.enqueue(run)
        return self._timetable.wait(now)
