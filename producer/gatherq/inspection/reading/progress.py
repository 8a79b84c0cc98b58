"""The progress of a batch, as `Inspector` follows it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.errors import RedisUnavailable
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.progress.batch_progress import BatchProgress
from gatherq.inspection.progress.pace import rate, remaining
from gatherq.inspection.progress.slot_map import SlotMap
from gatherq.inspection.redaction.redaction import NOTHING, Redaction
from gatherq.store.inspection.completion_records import LATEST, Completion, CompletionRecords
from gatherq.store.redrive import REDRIVEN
from gatherq.store.server.errors import is_transient
from gatherq.store.server.retry import RedisRetry

from .batches import BatchReading
from .running import RunningReading
from .slots import SlotReading

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Longest wait for a completion (ms): what runs changes without one.
_BLOCK = 1_000
#: Seconds in which completions are gathered into one look, and between tries while Redis is away.
_GATHER, _PAUSE = 0.1, 0.5
#: Errors that are shown.
_NEWEST = 3


class ProgressReading:
    """Follows batches; an outage of Redis is told, and ends nothing."""

    def __init__(
        self, url: str, redis: "Redis", keys: KeySpace, redaction: Redaction = NOTHING
    ) -> None:
        retry = RedisRetry(url, 0)  # each failure is told at once
        self._retry = retry
        self._slots = SlotReading(redis, keys, retry, redaction)
        self._batches = BatchReading(redis, keys, retry, self._slots)
        self._running = RunningReading(redis, keys, retry, redaction)
        self._completions = CompletionRecords(redis, keys)

    async def follow(self, batch: BatchInfo) -> AsyncIterator[BatchProgress]:
        """Yield how far a batch is, at every change or once a second, until it has ended.

        Raises BatchNotFound if it is deleted, and RedisUnavailable for what does not pass.
        """
        followed = _Followed(batch)
        shown: BatchProgress | None = None
        answered = datetime.now(UTC)
        while shown is None or not shown.ended:
            try:
                if shown and not shown.away:
                    await self._wait(followed)
                shown = await self._look(followed)
                answered = datetime.now(UTC)
            except RedisUnavailable as error:
                if not is_transient(error.__context__):  # what redis-py raised
                    raise
                last = shown or BatchProgress(batch=batch, slots=followed.slots)
                shown = replace(last, away=answered, why_away=str(error))
            yield shown
            if shown.away:
                await asyncio.sleep(_PAUSE)

    async def _wait(self, followed: "_Followed") -> None:
        """Wait for a completion, and those that come with it."""
        after = followed.after
        news = await self._retry(self._completions.read, followed.id, after, _BLOCK)
        followed.add(news)
        await asyncio.sleep(_GATHER)

    async def _look(self, followed: "_Followed") -> BatchProgress:
        batch = await self._batches.again(followed.batch)
        while news := await self._retry(self._completions.read, followed.id, followed.after):
            followed.add(news)
        now = await self._running.now()
        speed = None if not batch.left else rate([*followed.latest], now, batch.started)
        return BatchProgress(
            batch=batch,
            rate=speed,
            remaining=remaining(batch.left, speed),
            slots=followed.slots,
            running=await self._running.slots(batch),
            newest_errors=[slot async for slot in self._slots.read(batch, followed.newest_bad)],
        )


class _Followed:
    """What the completions have told of a batch so far."""

    def __init__(self, batch: BatchInfo) -> None:
        self.batch: BatchInfo = batch
        self.id: str = batch.id
        self.after: bytes = b"0"
        self.slots: SlotMap = SlotMap(batch.size)
        #: The latest completions, the newest first.
        self.latest: deque[Completion] = deque(maxlen=LATEST)
        self._bad: dict[int, None] = {}

    def add(self, completions: Iterable[Completion]) -> None:
        for each in completions:
            self.after = each.id
            self.latest.appendleft(each)
            self.slots.add(each.slots)
            for slot, status in each.slots:
                self._bad.pop(slot, None)
                if status not in ("succeeded", REDRIVEN):
                    self._bad[slot] = None

    @property
    def newest_bad(self) -> list[int]:
        """Slots that did not succeed, the newest first."""
        return [*self._bad][: -_NEWEST - 1 : -1]
