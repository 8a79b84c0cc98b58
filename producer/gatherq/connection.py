"""A connection to Redis, and errors that say which server and what to do."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .errors import RedisUnavailable

#: Longest silence of a server that was asked something, in seconds.
SOCKET_TIMEOUT = 10.0


def connection_pool(url: str, *, socket_timeout: float = SOCKET_TIMEOUT) -> ConnectionPool:
    """Make a pool for `url`; raises RedisUnavailable for what is not a Redis URL."""
    try:
        pool = ConnectionPool.from_url(
            url, socket_timeout=socket_timeout, socket_connect_timeout=min(socket_timeout, 5.0)
        )
    except ValueError as error:
        raise RedisUnavailable(
            f"{masked(url)!r} is not a Redis URL: {error}; write redis://HOST:PORT/DATABASE",
            url=masked(url),
        ) from None
    pool.connection_class = packing(pool.connection_class)
    return pool


def packing(kind: Any) -> Any:
    """Make a kind of connection that packs commands in C, as redis-py's synchronous one does.

    hiredis comes with arq, which requires `redis[hiredis]`. And it sends without `wait_for`, which
    on Python 3.11 swallows a cancellation that comes as the sending ends (fixed in 3.12): a worker
    would not hear its SIGTERM, a producer's caller not its timeout.
    """

    class Packing(kind):  # type: ignore[misc]
        def pack_command(self, *args: Any) -> list[bytes]:
            return [hiredis.pack_command((*args[0].encode().split(), *args[1:]))]

        async def can_read_destructive(self) -> bool:
            # Asked of a connection before each command: what came meanwhile stands in the stream;
            # to try to read it, as redis-py does, takes a timer and a turn of the loop.
            stream = self._reader
            return bool(stream.at_eof() or stream.exception() or stream._buffer)

        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            if not self.is_connected:
                await self.connect()
            elif check_health:
                await self.check_health()
            try:
                async with asyncio.timeout(self.socket_timeout):
                    self._writer.writelines([command] if isinstance(command, bytes) else command)
                    await self._writer.drain()
            except BaseException as error:
                await self.disconnect(nowait=True)
                if isinstance(error, TimeoutError):
                    raise RedisTimeoutError("Timeout writing to socket") from None
                if isinstance(error, OSError):
                    raise RedisConnectionError(f"Error while writing to socket: {error}") from error
                raise

    return Packing


def sockets(pool: ConnectionPool) -> Iterator[int]:
    """Name the descriptors of a pool's connections."""
    connections: Any = [*pool._available_connections, *pool._in_use_connections]
    for connection in connections:
        writer = connection._writer
        found = writer and writer.get_extra_info("socket")
        if found:
            yield found.fileno()


def database_of(redis: Redis) -> int:
    """Return the number of the database that a client uses."""
    return int(redis.connection_pool.connection_kwargs.get("db") or 0)


async def check(redis: Redis, url: str) -> None:
    """Raise RedisUnavailable, saying what to do, unless the server answers."""
    try:
        await redis.execute_command("PING")
    except (RedisError, OSError) as error:
        raise unavailable(error, url) from error


def unavailable(error: BaseException, url: str) -> RedisUnavailable:
    """Say in one line which server failed, how, and what to do."""
    where = masked(url)
    match error:
        case AuthenticationError() | NoPermissionError():
            advice = "check user and password: redis://USER:PASSWORD@HOST:PORT/DATABASE"
        case ResponseError() if "NOAUTH" in str(error) or "WRONGPASS" in str(error):
            advice = "check user and password: redis://USER:PASSWORD@HOST:PORT/DATABASE"
        case ResponseError() if "DB index" in str(error):
            advice = "check the database number at the end of the URL"
        case _:
            advice = "is the server running, and is GATHERQ_REDIS_URL right?"
    return RedisUnavailable(f"cannot use Redis at {where}: {error}; {advice}", url=where)


def masked(url: str) -> str:
    """Return the URL without its password."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))
    except ValueError:
        return "(unreadable URL)"
