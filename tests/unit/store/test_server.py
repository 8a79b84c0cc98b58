"""How the rest of the product reaches a server."""

import pytest
from redis.asyncio import ConnectionPool
from redis.exceptions import ResponseError

from gatherq.errors import RedisUnavailable
from gatherq.store.server.connection import (
    Server,
    check,
    connect,
    connection_pool,
    database_of,
    disconnect,
)


def pool(url="redis://127.0.0.1:1/3"):
    return ConnectionPool.from_url(url)


def test_each_client_has_a_pool_of_its_own():
    server = Server(pool)
    first, second = server.connect(), server.connect()
    assert first.connection_pool is not second.connection_pool
    assert list(server.sockets()) == []


def test_the_database_is_that_of_the_url():
    assert database_of(Server(pool).connect()) == 3
    assert database_of(connect("redis://h")) == 0


def test_what_is_no_url_is_refused():
    with pytest.raises(RedisUnavailable, match="is not a Redis URL"):
        connect("http://h")


class Refusing:
    """A client whose server refuses every command."""

    async def execute_command(self, *command):
        raise ResponseError("LOADING Redis is loading the dataset in memory")


async def test_a_check_says_which_server_refuses_and_why():
    with pytest.raises(RedisUnavailable, match="LOADING") as raised:
        await check(Refusing(), "redis://:secret@h:6379/0")
    assert raised.value.url == "redis://:***@h:6379/0"


async def test_sockets_of_all_pools_are_named_until_they_are_closed(server_url):
    server = Server(lambda: pool(server_url))
    other = connect(server_url)
    server.adopt(other.connection_pool)
    clients = [server.connect(), server.connect(), other]
    for client in clients:
        await client.ping()
    assert len(set(server.sockets())) == 3
    for client in clients:
        await disconnect(client)
    assert list(server.sockets()) == []


def test_defaults_of_redis_py_do_not_matter():
    connection = connection_pool("redis://h").make_connection()
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (10.0, 5.0)
    assert (connection.protocol, connection.retry._retries) == (2, 0)
    assert (connection.encoder.encoding, connection.encoder.decode_responses) == ("utf-8", False)
    assert connection_pool("redis://h").max_connections == 2**31
