"""The recorder writes outcomes and releases in bulk; they wait while Redis is away."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import Any

from gatherq.aio import not_cancelled
from gatherq.store.jobs import JobStore, Record, RecordReply, Release
from gatherq.store.server.errors import is_poison
from gatherq.store.server.outages import OutageLog
from gatherq_worker.attempt import Attempt
from gatherq_worker.call_text import jobs_text
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.clock import Clock
from gatherq_worker.engine.worker_record.news import News
from gatherq_worker.execution.guarded_task import guarded
from gatherq_worker.execution.shortage import out_of_descriptors

logger = logging.getLogger("gatherq.worker")

_MAX_RECORDS = 256
_MAX_BYTES = 2 * 1024 * 1024
#: By the reply of Redis, why it has not taken an outcome.
_REFUSED = {
    "refused": "another attempt is the current one, or the job has ended",
    "gone": "its batch is no longer in Redis",
}


class Recorder:
    """Writes what is handed over; what comes during a write goes with the next one."""

    def __init__(
        self,
        store: JobStore,
        attempts: Attempts,
        clock: Clock = monotonic,
        news: News | None = None,
    ) -> None:
        self._store, self._attempts, self._clock = store, attempts, clock
        self._news = news or News()
        self._records: list[Record[Attempt]] = []
        self._releases: list[Release[Attempt]] = []
        self._maintenance: set[asyncio.Task[None]] = set()
        #: Batches that are being swept.
        self._sweeping: set[str] = set()
        self.outages = OutageLog()
        #: How many are written at a time: fewer while one of them may be what Redis refuses.
        self._most = _MAX_RECORDS
        #: Since when no connection can be opened, because this process has no descriptor left.
        self._short: float | None = None
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, record: Record[Attempt]) -> None:
        """Hand over an outcome."""
        if not self._records:
            self._note()
        self._records.append(record)

    def release(self, release: Release[Attempt]) -> None:
        """Hand over a release."""
        if not self._releases:
            self._note()
        self._releases.append(release)

    def waiting(self) -> tuple[list[Record[Attempt]], list[Release[Attempt]]]:
        """Return copies of what is not known to be in Redis yet; from any thread."""
        return list(self._records), list(self._releases)

    def short_for(self) -> float:
        """Return for how many seconds no connection could be opened for want of a descriptor."""
        since = self._short
        return 0.0 if since is None else self._clock() - since

    async def flushed(self) -> None:
        """Wait until all that was handed over is in Redis."""
        await self._idle.wait()
        if self._maintenance:
            await asyncio.wait(self._maintenance)

    async def run(self) -> None:
        """Write until cancelled."""
        while not_cancelled():
            if not self._records and not self._releases:
                await self._changed.wait()
            self._changed.clear()
            while self._records or self._releases:
                await self._write()
            self._idle.set()

    async def _write(self) -> None:
        records = _bounded(self._records, self._most)
        releases = self._releases[: self._most]
        try:
            done = await self._store.record(records) if records else RecordReply([], [], [])
            if releases:
                await self._store.release(releases)
        except Exception as error:
            await self._failed(records, releases, error)
            return
        self.outages.note_answer()
        self._short = None
        self._most = min(2 * self._most, _MAX_RECORDS)
        del self._records[: len(records)]
        del self._releases[: len(releases)]
        self._news.recorded(records, done.replies)
        self._news.released(releases)
        for record in records:
            self._attempts.recorded(record.attempt)
        tell_refused(records, done.replies)
        self.sweep(done.to_sweep)
        self.extend(done.to_extend)
        for release in releases:
            self._attempts.released(release)
            logger.debug("job %s released", release.attempt.job_id)

    async def _failed(
        self,
        records: Sequence[Record[Attempt]],
        releases: Sequence[Release[Attempt]],
        error: Exception,
    ) -> None:
        """Wait for Redis; find the one record that it refuses by halving, and leave that out."""
        if is_poison(error):
            if self._most > 1:
                self._most = max(min(self._most, max(len(records), len(releases))) // 2, 1)
                return
            for record in records:
                logger.error("job %s: no outcome: %s", record.attempt.job_id, error)
                self._attempts.recorded(record.attempt)
            for release in releases:
                logger.error("job %s: not given back: %s", release.attempt.job_id, error)
                self._attempts.released(release)
            del self._records[: len(records)]
            del self._releases[: len(releases)]
            return
        if not out_of_descriptors(error):
            self._short = None
        elif self._short is None:
            self._short = self._clock()
        await self.outages.note_error(f"record {len(records)} outcomes", error)

    def extend(self, batches: Iterable[str]) -> None:
        """Set the time to live of batches anew, beside the recording."""
        for batch in batches:
            self._maintain(self._store.extend(batch))

    def sweep(self, batches: Iterable[str]) -> None:
        """End the queued jobs of batches that may not run any more, beside the recording."""
        for batch in batches:
            if batch not in self._sweeping:
                self._sweeping.add(batch)
                task = self._maintain(self._store.sweep(batch))
                task.add_done_callback(partial(self._swept, batch))

    def _swept(self, batch: str, _: asyncio.Task[None]) -> None:
        self._sweeping.discard(batch)

    def _maintain(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Maintain a batch in a task of its own. If that fails, later steps do the same work."""
        task = guarded(_quietly(work))
        self._maintenance.add(task)
        task.add_done_callback(self._maintenance.discard)
        return task

    def _note(self) -> None:
        self._idle.clear()
        self._changed.set()


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:
        logger.warning("cannot sweep or extend a batch: %s; a later step does it", error)


def tell_refused(records: Sequence[Record[Attempt]], replies: Sequence[str]) -> None:
    """Log which outcomes Redis did not take, one line for all of a kind."""
    for word, why in _REFUSED.items():
        ids = [
            record.attempt.job_id
            for record, reply in zip(records, replies, strict=True)
            if reply == word
        ]
        if ids:
            logger.warning("%s: outcome refused, %s", jobs_text(ids), why)


def _bounded(records: Sequence[Record[Attempt]], most: int) -> list[Record[Attempt]]:
    chosen: list[Record[Attempt]] = []
    size = 0
    for record in records[:most]:
        size += len(record.payload)
        if chosen and size > _MAX_BYTES:
            break
        chosen.append(record)
    return chosen
