"""Queues and their workers, as `Inspector` reads them."""

from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.contract.records import UNKNOWN
from gatherq.inspection.job_info import rate_of
from gatherq.inspection.queue_info import QueueInfo, read_queue
from gatherq.inspection.slot_info import of_pending
from gatherq.inspection.worker_info import WorkerInfo, plain_arq, read_worker
from gatherq.store.inspection.queue_records import QueueRecords
from gatherq.store.inspection.slot_records import SlotRecords
from gatherq.store.inspection.worker_records import WorkerRecords
from gatherq.store.server.retry import RedisRetry

from .statistics import StatisticsReading

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Statuses of what nobody holds.
_WAITING = ("queued", "retrying")


class QueueReading:
    """Reads one queue after another."""

    def __init__(self, redis: "Redis", retry: RedisRetry) -> None:
        self._redis, self._retry = redis, retry

    async def look(
        self, keys: KeySpace, *, rate: bool = True
    ) -> tuple[QueueInfo, list[WorkerInfo], float]:
        """Return what stands in a queue, with its rate or without, its workers, and Redis's time.

        The time is in ms. What plain arq workers hold is that of a last worker.
        """
        found = await self._retry(QueueRecords(self._redis, keys).read)
        records = await self._retry(WorkerRecords(self._redis, keys).read)
        workers = [read_worker(each, found.now) for each in records]
        late = await self._rate(keys, found.now) if rate else None
        queue = read_queue(keys.queue, found, workers, late)
        plain = [plain_arq(queue.arq_jobs)] if queue.arq_jobs else []
        return queue, [*workers, *plain], found.now

    async def _rate(self, keys: KeySpace, now: float) -> float | None:
        return rate_of(await StatisticsReading(self._redis, keys, self._retry).late(now), now)

    async def oldest_names(self, keys: KeySpace, count: int) -> list[str]:
        """Return what the jobs that wait longest call, as far as it can be read."""
        ids = await self._retry(QueueRecords(self._redis, keys).oldest, count)
        records = await self._retry(SlotRecords(self._redis, keys).read, dict(enumerate(ids)))
        slots = [of_pending("", record) for record in records]
        return [slot.name for slot in slots if slot.status in _WAITING and slot.name != UNKNOWN]

    async def names(self, keys: KeySpace, *, scan: bool = True) -> list[str]:
        """Return the names of the queues that are known, this one among them.

        Without `scan`, of those with workers.
        """
        records = QueueRecords(self._redis, keys)
        found = await self._retry(records.names if scan else records.with_workers)
        return sorted({keys.queue, *found})
