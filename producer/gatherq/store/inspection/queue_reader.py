"""A queue: who is alive on it, and how much is in it."""

from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.store.server.connection import client, connection_pool, disconnect
from gatherq.store.server.errors import REDIS_ERRORS, unavailable
from gatherq.store.workers import Alive, recent
from gatherq.store.wrong_type import unless_wrong_type

if TYPE_CHECKING:
    from redis.asyncio import Redis


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
