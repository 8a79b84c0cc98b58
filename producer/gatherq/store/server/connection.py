"""The rest of the product reaches a server through this module: clients, and a first check."""

from collections.abc import Callable, Iterator

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.sentinel import SentinelConnectionPool

from gatherq.telemetry.suppression import redis_is_instrumented, suppressed

from . import pools
from .driver import SOCKET_TIMEOUT
from .errors import REDIS_ERRORS, unavailable
from .pools import connection_pool

__all__ = [
    "SOCKET_TIMEOUT",
    "Server",
    "address_of",
    "check",
    "client",
    "connect",
    "connection_pool",
    "database_of",
    "disconnect",
]


class Server:
    """One Redis server, and all connections that a process has to it.

    A connection belongs to the event loop that opened it, and a blocking read keeps it busy: each
    part of a worker with a loop or a blocking read of its own has a client of its own.
    """

    def __init__(self, make_pool: Callable[[], ConnectionPool]) -> None:
        self._make_pool = make_pool
        self._pools: list[ConnectionPool] = []

    def connect(self) -> Redis:
        """Make a client with a pool of its own, which opens connections as they are needed."""
        pool = self._make_pool()
        self.adopt(pool)
        return client(pool)

    def adopt(self, pool: ConnectionPool) -> None:
        """Count a pool that somebody else made, and closes, among those of this server."""
        self._pools.append(pool)

    def sockets(self) -> Iterator[int]:
        """Yield the file descriptors of all open connections: a fork must not keep them."""
        for pool in self._pools:
            yield from pools.sockets(pool)


def client(pool: ConnectionPool) -> Redis:
    """Make a client that takes its connections from `pool`, and whose commands are no spans."""
    if not redis_is_instrumented():
        return Redis(connection_pool=pool)
    from .quiet_client import QuietRedis

    return QuietRedis(connection_pool=pool)


def connect(url: str) -> Redis:
    """Make a client of the server at `url`; raises RedisUnavailable for what is no Redis URL.

    Nothing is sent before its first command; `disconnect` closes it.
    """
    return client(connection_pool(url))


async def disconnect(redis: Redis) -> None:
    """Close the connections of a client, busy ones too."""
    await redis.connection_pool.disconnect()


def database_of(redis: Redis) -> int:
    """Return the number of the database that a client uses."""
    return int(redis.connection_pool.connection_kwargs.get("db") or 0)


def address_of(redis: Redis) -> tuple[str, int | None]:
    """Return host and port of the server, or the path of its socket and None.

    Where sentinels are asked it is the name of the master and None, whatever they answer.
    """
    pool = redis.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        return str(pool.service_name), None
    known = pool.connection_kwargs
    if path := known.get("path"):
        return str(path), None
    return str(known.get("host") or "localhost"), int(known.get("port") or 6379)


async def check(redis: Redis, url: str) -> None:
    """Raise RedisUnavailable, saying what to do, unless the server answers."""
    try:
        with suppressed():
            await redis.execute_command("PING")
    except REDIS_ERRORS as error:
        raise unavailable(error, url) from None
