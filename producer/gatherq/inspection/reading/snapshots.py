"""What is measured of a server and its queues, read at one time."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gatherq.contract.keys import KeySpace
from gatherq.inspection.job_info import jobs_of
from gatherq.inspection.metrics.snapshot import QueueSnapshot, ServerInfo, Snapshot
from gatherq.store.inspection.server_record import ServerRecord, read_server
from gatherq.store.server.retry import RedisRetry

from .queues import QueueReading
from .statistics import StatisticsReading

if TYPE_CHECKING:
    from redis.asyncio import Redis


class SnapshotReading:
    """Reads one queue after another, each in some ten round trips."""

    def __init__(self, redis: "Redis", retry: RedisRetry) -> None:
        self._redis, self._retry = redis, retry
        self._queues = QueueReading(redis, retry)

    async def read(self, spaces: Iterable[KeySpace]) -> Snapshot:
        """Return the server and the queues of these key spaces."""
        server = server_info(await self._retry(read_server, self._redis))
        return Snapshot(server=server, queues=[await self._queue(keys) for keys in spaces])

    async def _queue(self, keys: KeySpace) -> QueueSnapshot:
        pool = await self._queues.look(keys, rate=False)
        totals = await StatisticsReading(self._redis, keys, self._retry).totals()
        jobs = [*jobs_of(pool.workers, totals)]
        return QueueSnapshot(queue=pool.queue, workers=pool.workers, jobs=jobs)


def server_info(record: ServerRecord) -> ServerInfo:
    """Read the reply to INFO."""
    info = record.fields
    return ServerInfo(
        version=str(info.get("redis_version", "")),
        eviction_policy=str(info.get("maxmemory_policy", "")),
        memory=_number(info.get("used_memory")),
        memory_limit=_number(info.get("maxmemory")),
        evicted=_number(info.get("evicted_keys")),
    )


def _number(value: Any) -> int | None:
    return value if type(value) is int else None
