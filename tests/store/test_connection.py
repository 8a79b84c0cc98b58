"""Connections on a real server."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection
from redis.exceptions import RedisError

from gatherq import Producer
from gatherq.errors import RedisUnavailable
from gatherq.store.server.connection import connection_pool
from gatherq.store.server.driver import fast_connection
from gatherq.store.server.name_resolution import Resolver
from gatherq.store.server.pools import sockets

from ..conftest import until


async def test_a_cancellation_is_heard_whenever_it_comes(server_url):
    """In each turn of the loop that a command takes: on Python 3.11 `wait_for` swallows some."""
    pool = connection_pool(server_url)
    redis = Redis(connection_pool=pool)

    async def ask():
        while True:
            await redis.execute_command("PING")

    try:
        for turns in list(range(40)) * 5:
            asking = asyncio.create_task(ask())
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            done, _ = await asyncio.wait([asking], timeout=5)
            asking.cancel()
            assert done, f"cancelled in turn {turns}, and not heard"
            assert asking.cancelled()
    finally:
        await pool.disconnect()


async def test_a_connection_that_was_closed_meanwhile_is_replaced_unseen(server_url):
    pool, other = connection_pool(server_url), Redis.from_url(server_url)
    redis = Redis(connection_pool=pool)
    try:
        for _ in range(3):
            number = await redis.client_id()
            assert await other.client_kill_filter(_id=number) == 1
            (connection,) = pool._available_connections
            async with asyncio.timeout(5):
                while not connection._reader.at_eof():
                    await asyncio.sleep(0)
            assert await redis.client_id() != number
    finally:
        await pool.disconnect()
        await other.aclose()


@pytest.fixture
async def full_executor():
    """The loop's executor, all of whose threads are taken."""
    free = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(executor)
        taken = loop.run_in_executor(None, free.wait)
        yield
        free.set()
        await taken


async def test_a_name_is_resolved_though_the_executor_is_full(server_url, full_executor):
    named = server_url.replace("127.0.0.1", "localhost")
    async with until(5), Producer(named) as producer:
        await asyncio.gather(*(producer.redis.ping() for _ in range(20)))
        await producer.redis.connection_pool.disconnect()
        assert await producer.redis.ping()


async def test_one_question_for_all_that_ask_the_same(monkeypatch):
    asked, answer = [], threading.Event()

    def getaddrinfo(host, port, **options):
        asked.append(host)
        assert answer.wait(5)
        if host == "nowhere":
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", ("::1", port, 0, 0)), *[(0, 0, 0, "", ("127.0.0.1", port))] * 2]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolve = Resolver()
    asking = [asyncio.create_task(resolve("here", 1, 5)) for _ in range(30)]
    failing = asyncio.create_task(resolve("nowhere", 1, 5))
    gives_up = asyncio.create_task(resolve("there", 1, 0.01))
    with pytest.raises(TimeoutError):
        await gives_up
    answer.set()
    assert await asyncio.gather(*asking) == [["::1", "127.0.0.1"]] * 30
    with pytest.raises(socket.gaierror):
        await failing
    assert sorted(asked) == ["here", "nowhere", "there"]
    assert await resolve("there", 1, 5) == ["::1", "127.0.0.1"]  # it is asked again
    for literal in ("127.0.0.1", "::1"):
        assert await resolve(literal, 1, 0) == [literal]
    assert asked.count("there") == 2
    assert len(asked) == 4


async def test_a_name_that_is_not_known_is_waited_for(monkeypatch):
    def getaddrinfo(host, port, **options):
        raise UnicodeError("label empty or too long")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    redis = Redis(connection_pool=connection_pool("redis://a..b"))
    with pytest.raises(RedisError, match="label empty"):
        await redis.ping()


async def test_each_address_is_tried_and_tls_asks_for_the_name(monkeypatch):
    tried = []

    async def open_connection(**arguments):
        tried.append(arguments)
        raise OSError("refused")

    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    infos = [(0, 0, 0, "", ("::1", 7, 0, 0)), (0, 0, 0, "", ("192.0.2.1", 7))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: infos)
    connection = fast_connection(SSLConnection)(host="redis.example", port=7)
    with pytest.raises(RedisError, match="refused"):
        await connection.connect()
    assert [each["host"] for each in tried] == ["::1", "192.0.2.1"]
    assert {each["server_hostname"] for each in tried} == {"redis.example"}
    assert all(each["ssl"] for each in tried)


async def test_replies_are_bytes_whatever_the_url_says(server_url):
    pool = connection_pool(server_url + "?decode_responses=true&protocol=3")
    redis = Redis(connection_pool=pool)
    assert await redis.echo("x") == b"x"
    assert await redis.xread({"no:such:stream": "0"}) == []
    await pool.disconnect()


async def test_as_many_connections_are_opened_as_are_needed(server_url):
    """redis-py 8 allows a pool 100 unless it is told otherwise."""
    pool = connection_pool(server_url)
    redis = Redis(connection_pool=pool)
    waiting = [asyncio.create_task(redis.blpop("no:such:list", 60)) for _ in range(150)]
    try:
        async with until(20):
            while len(list(sockets(pool))) < 150:
                await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        await pool.disconnect()


async def test_a_password_that_the_server_does_not_want_is_refused(server_url):
    """HELLO, which redis-py 8 begins with unless it is told otherwise, takes any."""
    url = server_url.replace("//", "//:secret@")
    with pytest.raises(RedisUnavailable, match="without any password configured") as raised:
        async with Producer(url):
            pass
    assert "secret" not in str(raised.value)
