"""The workers of a queue that gave a sign of life lately.

redis-py is imported when it is needed: a probe does without.
"""

from collections.abc import Iterable

from gatherq.contract import keys

from .claims import text
from .server import probe

#: Name of a worker, and its age: the seconds since its last sign of life.
Alive = tuple[str, float]

#: Seconds without a sign of life after which a worker is not called alive.
_SILENCE = 15.0


async def alive(url: str, queue: str, timeout: float) -> list[Alive]:
    """Return the workers that gave a sign of life lately; raises RedisUnavailable.

    `timeout` is in seconds, for each silence of the server.
    """
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    from .server.connection import connection_pool
    from .server.errors import unavailable

    pool = connection_pool(url, socket_timeout=timeout)
    redis = Redis(connection_pool=pool)
    try:
        now = await redis.time()
        return _recent(now, await redis.zrange(keys.workers(queue), 0, -1, withscores=True))
    except (RedisError, OSError) as error:
        raise unavailable(error, url) from error
    finally:
        await pool.disconnect()


def probe_alive(url: str, queue: str, timeout: float) -> list[Alive] | None:
    """Return the same over a blocking socket, without redis-py; None where `alive` is to be asked.

    Raises TimeoutError for a server that is silent for `timeout` seconds.
    """
    signs = "ZRANGE", keys.workers(queue), 0, -1, "WITHSCORES"
    replies = probe.ask(url, [("TIME",), signs], timeout)
    if replies is None:
        return None
    now, seen = replies
    return _recent(now, zip(seen[::2], map(float, seen[1::2]), strict=True))


def _recent(now: tuple[bytes, bytes], seen: Iterable[tuple[bytes, float]]) -> list[Alive]:
    seconds = int(now[0]) + int(now[1]) / 1e6
    ages = [(name, seconds - last / 1000) for name, last in seen]
    return [(text(name), age) for name, age in ages if age < _SILENCE]
