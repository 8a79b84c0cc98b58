"""A connection to Redis, and errors that say which server and what to do."""

import asyncio
from collections.abc import Iterator
from typing import Any

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gatherq.errors import RedisUnavailable

from .errors import advice
from .name_resolution import Resolver
from .urls import UnreadableURL, check_url, masked

#: Longest silence of a server that was asked something, in seconds.
SOCKET_TIMEOUT = 10.0
#: Shortest such silence: it holds what is waited for in Redis, a second at the most.
_LEAST_TIMEOUT = 2.0
_UNBOUNDED = 2**31
#: What a URL may say, beside `ssl_...`: others are objects, which a URL cannot name.
_OPTIONS = frozenset(
    [
        *("host", "port", "path", "db", "username", "password", "socket_timeout"),
        *("socket_connect_timeout", "socket_keepalive", "health_check_interval", "client_name"),
        *("lib_name", "lib_version", "encoding", "encoding_errors", "decode_responses"),
        *("protocol", "retry_on_timeout", "max_connections"),
    ]
)
#: What holds whatever a URL or a pool of others says: replies are bytes of this protocol, and who
#: sent a command decides whether it is sent again.
OURS: dict[str, Any] = {"protocol": 2, "decode_responses": False, "encoding": "utf-8"}
OURS |= {"encoding_errors": "strict", "retry_on_timeout": False, "retry_on_error": []}


def connection_pool(
    url: str, *, socket_timeout: float = SOCKET_TIMEOUT, kind: type[ConnectionPool] = ConnectionPool
) -> ConnectionPool:
    """Make a pool for `url`; raises RedisUnavailable for what is not a Redis URL.

    It has as many connections as are needed at a time, whatever `max_connections` says. Of
    `socket_timeout` and the URL's the shorter holds, but not less than two seconds.
    """
    try:
        check_url(url)
        pool = kind.from_url(
            url, socket_timeout=socket_timeout, socket_connect_timeout=min(socket_timeout, 5.0)
        )
        options = pool.connection_kwargs
        foreign = [o for o in options if o not in _OPTIONS and not o.startswith("ssl_")]
        if foreign or not isinstance(pool.connection_class, type):
            raise UnreadableURL("it has an option that no URL can have")
        options.update(
            OURS, socket_timeout=max(_LEAST_TIMEOUT, min(socket_timeout, options["socket_timeout"]))
        )
        pool.max_connections = _UNBOUNDED
        if issubclass(pool.connection_class, SSLConnection):
            # A certificate of a trusted authority says nothing without the name that it is for.
            checks = options.get("ssl_cert_reqs", "required") == "required"
            options.setdefault("ssl_check_hostname", checks)
        _try_options(pool)
    except ValueError as error:
        where = masked(url)
        raise RedisUnavailable(
            f"{where!r} is not a Redis URL: {_reason(error)}; write redis://HOST:PORT/DATABASE",
            url=where,
        ) from None
    pool.connection_class = packing(pool.connection_class)
    return pool


def _try_options(pool: ConnectionPool) -> None:
    """Make a connection, without connecting it: raises UnreadableURL for options that cannot be."""
    try:
        connection: Any = pool.connection_class(**pool.connection_kwargs)
        if isinstance(connection, SSLConnection):
            connection.ssl_context.get()  # reads the files of keys and certificates
    except TypeError:  # names the option, which may be a piece of a password
        raise UnreadableURL("it has an option that redis-py does not know") from None
    except (OSError, RedisError) as error:
        raise UnreadableURL(f"its ssl_ options cannot be used: {type(error).__name__}") from None


def _reason(error: ValueError) -> str:
    """Return the text of an error, unless it might quote a piece of the URL."""
    ours = isinstance(error, UnreadableURL)
    return str(error) if ours else "its port, database or an option has no such value"


def packing(kind: Any) -> Any:
    """Make a kind of connection that packs commands in C, as redis-py's synchronous one does.

    hiredis comes with arq, which requires `redis[hiredis]`. And it sends without `wait_for`, which
    on Python 3.11 swallows a cancellation that comes as the sending ends (fixed in 3.12): a worker
    would not hear its SIGTERM, a producer's caller not its timeout.

    Names of servers are resolved outside of the loop's executor, which users' code may fill.
    """
    resolve = Resolver()

    class Packing(kind):  # type: ignore[misc]
        async def _connect(self) -> None:
            if not hasattr(self, "host"):
                await super()._connect()  # over a Unix socket
                return
            failed = OSError(f"{self.host} has no address")
            limit = self.socket_connect_timeout or SOCKET_TIMEOUT
            for address in await resolve(self.host, self.port, limit):
                self._address = address
                try:
                    await super()._connect()
                    return
                except OSError as error:  # a TimeoutError too
                    failed = error
            raise failed

        def _connection_arguments(self) -> dict[str, Any]:
            arguments = {**super()._connection_arguments(), "host": self._address}
            if arguments.get("ssl"):
                arguments["server_hostname"] = self.host
            return arguments

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
    text = f"cannot use Redis at {where}: {error}; {advice(error)}"
    return RedisUnavailable(text, url=where)
