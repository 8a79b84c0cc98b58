"""Commands of our own where redis-py is instrumented: as its instrumentation would be asked."""

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType

import fakeredis
import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gatherq.store.server import connection

STILL = ContextVar("still", default=False)


@contextmanager
def suppress_instrumentation():
    token = STILL.set(True)
    yield
    STILL.reset(token)


@pytest.fixture
def heard(monkeypatch):
    """An instrumentation of redis-py's classes, which keeps what it is not to be still about."""
    heard = []

    def listen(kind, method):
        plain = getattr(kind, method)

        async def wrapped(self, *args, **options):
            heard.extend([] if STILL.get() else [(method, *args)])
            return await plain(self, *args, **options)

        monkeypatch.setattr(kind, method, wrapped)

    listen(Redis, "execute_command")
    listen(Pipeline, "execute")
    utils = ModuleType("opentelemetry.instrumentation.utils")
    utils.suppress_instrumentation = suppress_instrumentation
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.utils", utils)
    return heard


@pytest.fixture
def instrumented(monkeypatch):
    name = "opentelemetry.instrumentation.redis"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))


@pytest.fixture
async def client():
    """Make a client of ours of a server in memory."""
    memory = fakeredis.FakeAsyncRedis()

    def client():
        return connection.client(memory.connection_pool)

    yield client
    await memory.aclose()


async def use(client):
    """Send a command, a check and a pipeline; they do what they always do."""
    assert await client.execute_command("SET", "a", 1)
    await connection.check(client, "redis://memory")
    async with client.pipeline(transaction=False) as pipe:
        pipe.get("a")
        pipe.get("b")
        assert await pipe.execute() == [b"1", None]


async def test_an_instrumentation_hears_nothing_of_our_commands(heard, instrumented, client):
    await use(client())
    assert heard == []


async def test_what_others_send_is_heard(heard, instrumented, client):
    await Redis(connection_pool=client().connection_pool).execute_command("GET", "a")
    assert heard == [("execute_command", "GET", "a")]


async def test_clients_are_plain_ones_where_nothing_is_instrumented(heard, client):
    assert type(client()) is Redis
    await use(client())
    assert [each[0] for each in heard] == ["execute_command"] * 2 + ["execute"]
