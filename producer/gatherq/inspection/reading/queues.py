"""Queues and their workers, as `Inspector` reads them."""

from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.contract.records import UNKNOWN
from gatherq.inspection.batch_info import read_batch
from gatherq.inspection.field_values import time_of
from gatherq.inspection.job_info import rate_of, total
from gatherq.inspection.limits.admission import FIELDS, WaitingOutside, count_outside
from gatherq.inspection.queue_info import PoolInfo, read_queue
from gatherq.inspection.redaction.redaction import NOTHING, Redaction
from gatherq.inspection.slot_info import of_pending
from gatherq.inspection.worker_info import plain_arq, read_worker
from gatherq.store.inspection.batch_records import BatchRecords
from gatherq.store.inspection.queue_records import QueueRecords
from gatherq.store.inspection.slot_records import SlotRecords
from gatherq.store.inspection.worker_records import WorkerRecords
from gatherq.store.server.retry import RedisRetry

from .statistics import StatisticsReading

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Newest batches that are looked at for slots outside of the queue.
_BATCHES = 200
#: Statuses of what nobody holds.
_WAITING = ("queued", "retrying")


class QueueReading:
    """Reads one queue after another."""

    def __init__(self, redis: "Redis", retry: RedisRetry, redaction: Redaction = NOTHING) -> None:
        self._redis, self._retry, self._redaction = redis, retry, redaction

    async def look(self, keys: KeySpace, *, rate: bool = True) -> PoolInfo:
        """Return what stands in a queue, with its workers; without `rate` nothing of late."""
        found = await self._retry(QueueRecords(self._redis, keys).read)
        records = await self._retry(WorkerRecords(self._redis, keys).read)
        workers = [self._redaction.worker(read_worker(each, found.now)) for each in records]
        statistics = StatisticsReading(self._redis, keys, self._retry)
        minutes = await statistics.late(found.now) if rate else []
        outside = await self._outside(keys, found.now)
        queue = read_queue(keys.queue, found, workers, rate_of(minutes, found.now), outside)
        plain = [plain_arq(queue.arq_jobs)] if queue.arq_jobs else []
        return PoolInfo(
            time=time_of(found.now),
            queue=queue,
            workers=[*workers, *plain],
            late=total(job for minute in minutes for job in minute.values()),
        )

    async def _outside(self, keys: KeySpace, now: float) -> WaitingOutside:
        """Return how many slots of the newest batches are outside of the queue."""
        records = await self._retry(BatchRecords(self._redis, keys).newest, _BATCHES, *FIELDS)
        batches = (read_batch("", fields) for fields in records)
        return count_outside(filter(None, batches), time_of(now))

    async def oldest_names(self, keys: KeySpace, count: int) -> list[str]:
        """Return what the jobs that wait longest call, as far as it can be read."""
        ids = await self._retry(QueueRecords(self._redis, keys).oldest, count)
        records = await self._retry(SlotRecords(self._redis, keys).read, dict(enumerate(ids)))
        slots = [of_pending("", record) for record in records]
        return [slot.name for slot in slots if slot.status in _WAITING and slot.name != UNKNOWN]

    async def names(self, keys: KeySpace, *, scan: bool = True) -> list[str]:
        """Return the names of the queues that are known and may be read, this one among them.

        Without `scan`, of those with workers. If none may be read it is this one, so that whoever
        reads it hears why not.
        """
        records = QueueRecords(self._redis, keys)
        found = await self._retry(records.names if scan else records.with_workers)
        readable = await self._retry(records.readable, sorted({keys.queue, *found}))
        return readable or [keys.queue]
