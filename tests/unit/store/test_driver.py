"""What our connection class overrides in redis-py: a change there must not go unnoticed."""

import asyncio
import inspect

import hiredis
import pytest
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gatherq.store.server.driver import fast_connection

#: What a pool asks before it gives a connection.
CAN_READ = "can_read" if hasattr(Connection, "can_read") else "can_read_destructive"
SIGNATURES = {
    "_connect": "(self)",
    "_connection_arguments": "(self)",
    "pack_command": "(self, *args)",
    CAN_READ: "(self)",
    "send_packed_command": "(self, command, check_health=True)",
}


def parameters(method):
    signature = inspect.signature(method)
    plain = [
        each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()
    ]
    return str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))


@pytest.mark.parametrize("kind", [Connection, SSLConnection, UnixDomainSocketConnection])
@pytest.mark.parametrize("name", SIGNATURES)
def test_redis_py_has_the_methods_that_are_overridden(kind, name):
    if kind is UnixDomainSocketConnection and name == "_connection_arguments":
        name = "_connect"
    ours, theirs = getattr(fast_connection(kind), name), getattr(kind, name)
    assert parameters(theirs) == SIGNATURES[name]
    if not name.startswith("_"):
        assert parameters(ours) == SIGNATURES[name]
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs)


def test_redis_py_has_the_attributes_that_are_used():
    connection = fast_connection(SSLConnection)(host="here", port=1)
    used = ("host", "port", "socket_connect_timeout", "socket_timeout", "_reader", "_writer")
    assert all(hasattr(connection, name) for name in used)
    assert not hasattr(fast_connection(UnixDomainSocketConnection)(path="/x"), "host")


async def test_the_reader_of_a_stream_has_a_buffer():
    reader = asyncio.StreamReader()
    reader.feed_data(b"x")
    connection = fast_connection(Connection)()
    connection._reader = reader
    assert await connection.can_read()
    assert await reader.read(1) == b"x"
    assert not await connection.can_read()
    reader.feed_eof()
    assert await connection.can_read()


async def test_a_pool_asks_ours():
    connection = fast_connection(Connection)(host="localhost", port=1)
    connection._reader, connection._writer = asyncio.StreamReader(), Broken(None)
    await ConnectionPool().ensure_connection(connection)  # redis-py's own would connect anew
    connection._reader = connection._writer = None


def test_a_command_of_two_words_is_packed_as_two():
    packed = fast_connection(Connection)().pack_command("SCRIPT LOAD", b"x")
    assert packed == [hiredis.pack_command(("SCRIPT", "LOAD", b"x"))]


class Broken:
    """A writer that fails, or hangs."""

    def __init__(self, error):
        self.error = error

    def writelines(self, data):
        pass

    async def drain(self):
        if self.error is None:
            await asyncio.Event().wait()
        raise self.error

    def close(self):
        pass


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (None, RedisTimeoutError),
        (OSError("reset"), RedisConnectionError),
        (asyncio.CancelledError(), asyncio.CancelledError),
    ],
)
async def test_a_write_that_fails_closes_the_connection(error, raised):
    connection = fast_connection(Connection)(socket_timeout=0.01)
    connection._reader, connection._writer = asyncio.StreamReader(), Broken(error)
    with pytest.raises(raised):
        await connection.send_packed_command(b"PING", check_health=False)
    assert not connection.is_connected
