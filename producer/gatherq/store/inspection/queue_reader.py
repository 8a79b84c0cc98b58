"""A queue: who is alive on it, and how much is in it."""

from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.store.outside import FIELDS, outside_of
from gatherq.store.server.connection import client, connection_pool, disconnect
from gatherq.store.server.errors import REDIS_ERRORS, unavailable
from gatherq.store.workers import Alive, recent
from gatherq.store.wrong_type import unless_wrong_type

from .batch_records import BatchRecords

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Newest batches that are looked at for slots outside of the queue.
_BATCHES = 200


class QueueReader:
    """Reads what stands in Redis about one queue."""

    def __init__(self, redis: "Redis", keys: KeySpace) -> None:
        self._redis, self._keys = redis, keys

    async def alive(self) -> list[Alive]:
        """Return the workers with a recent sign of life, each with its age in seconds."""
        now = await self._redis.time()
        return recent(now, await self._redis.zrange(self._keys.workers, 0, -1, withscores=True))

    async def queued(self) -> int:
        """Return how many jobs are queued or running."""
        command = self._redis.execute_command("ZCARD", self._keys.queue)
        return int(await unless_wrong_type(command) or 0)

    async def unfinished(self) -> int:
        """Return how many jobs are queued or running, or outside of the queue yet.

        Outside are counted those of the 200 newest batches that are listed.
        """
        newest = await BatchRecords(self._redis, self._keys).newest(_BATCHES, *FIELDS)
        return await self.queued() + sum(outside_of(fields).total for fields in newest)


async def alive(url: str, queue: str, timeout: float) -> list[Alive]:
    """Return the workers of a queue with a recent sign of life; raises RedisUnavailable.

    `timeout` is in seconds, for each silence of the server.
    """
    redis = client(connection_pool(url, socket_timeout=timeout))
    try:
        return await QueueReader(redis, KeySpace(queue)).alive()
    except REDIS_ERRORS as error:
        raise unavailable(error, url) from None
    finally:
        await disconnect(redis)
