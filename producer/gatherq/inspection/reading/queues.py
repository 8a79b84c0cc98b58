"""Queues and their workers, as `Inspector` reads them."""

from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.inspection.queue_info import QueueInfo, read_queue
from gatherq.inspection.worker_info import WorkerInfo, plain_arq, read_worker
from gatherq.store.inspection.queue_records import QueueFields, QueueRecords
from gatherq.store.inspection.worker_records import WorkerRecords
from gatherq.store.server.retry import RedisRetry

if TYPE_CHECKING:
    from redis.asyncio import Redis


class QueueReading:
    """Reads one queue after another."""

    def __init__(self, redis: "Redis", retry: RedisRetry) -> None:
        self._redis, self._retry = redis, retry

    async def workers(self, keys: KeySpace) -> list[WorkerInfo]:
        """Return the workers of a queue, and what plain arq workers hold."""
        found, workers = await self._look(keys)
        plain = read_queue(keys.queue, found, workers, None).arq_jobs
        return [*workers, plain_arq(plain)] if plain else workers

    async def queue(self, keys: KeySpace) -> QueueInfo:
        """Return what stands in a queue."""
        found, workers = await self._look(keys)
        return read_queue(keys.queue, found, workers, None)

    async def names(self, keys: KeySpace) -> list[str]:
        """Return the names of the queues that are known, this one among them."""
        found = await self._retry(QueueRecords(self._redis, keys).names)
        return sorted({keys.queue, *found})

    async def _look(self, keys: KeySpace) -> tuple[QueueFields, list[WorkerInfo]]:
        found = await self._retry(QueueRecords(self._redis, keys).read)
        records = await self._retry(WorkerRecords(self._redis, keys).read)
        return found, [read_worker(each, found.now) for each in records]
