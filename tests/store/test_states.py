"""States of a server that pass are waited for; what does not pass says what to do."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from gatherq import Producer, call
from gatherq.contract.keys import KeySpace
from gatherq.errors import RedisUnavailable
from gatherq.store.jobs import JobStore
from gatherq.testing.server import embedded_server, free_port

from ..conftest import until
from .steps import LEASE, rights
from .worker import serve


@pytest.fixture
def url():
    """A server whose state the test may change."""
    with embedded_server() as (url, _):
        yield url


@pytest.fixture
async def server(url):
    async with Redis.from_url(url) as client:
        yield client


@asynccontextmanager
async def setting(server, **values):
    names = {name.replace("_", "-"): value for name, value in values.items()}
    before = {name: (await server.config_get(name))[name] for name in names}
    for name, value in names.items():
        await server.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            await server.config_set(name, value)


@asynccontextmanager
async def full(server):
    async with setting(server, maxmemory="1"):
        yield


@asynccontextmanager
async def without_replicas(server):
    async with setting(server, min_replicas_to_write="1"):
        yield


@asynccontextmanager
async def demoted(server):
    await server.execute_command("REPLICAOF", "127.0.0.1", free_port())
    try:
        yield
    finally:
        await server.execute_command("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def crowded(server):
    async with setting(server, maxclients="1"):
        yield


@asynccontextmanager
async def unblocked(server):
    for client in await server.client_list():
        if client["cmd"] == "xread":
            await server.execute_command("CLIENT", "UNBLOCK", client["id"], "ERROR")
    yield


@asynccontextmanager
async def busy(server):
    name = "busy-reply-threshold"
    if not await server.config_get(name):
        name = "lua-time-limit"
    await server.config_set(name, 50)
    port = server.connection_pool.connection_kwargs["port"]

    def hog():
        try:
            BlockingRedis(port=port).eval("while true do end", 0)
        except RedisError:
            pass

    thread = threading.Thread(target=hog, daemon=True)
    thread.start()
    try:
        await _refused(server)
        yield
    finally:
        while thread.is_alive():
            try:
                await server.execute_command("SCRIPT", "KILL")
            except RedisError:
                pass
            await asyncio.to_thread(thread.join, 0.05)


async def blocked_read(server):
    """Wait until a collector's read is blocked in the server."""
    while not any(client["cmd"] == "xread" for client in await server.client_list()):
        await asyncio.sleep(0.005)


async def _refused(server):
    while True:
        try:
            await server.ping()
        except ResponseError:
            return


@pytest.mark.parametrize("state", [full, without_replicas, demoted, busy, crowded])
async def test_a_submit_waits_for_a_state_that_passes(url, server, state):
    async with until(20), Producer(url, patience=15) as producer:
        await producer.redis.connection_pool.disconnect()
        async with state(server):
            submitting = asyncio.create_task(producer.submit([call("f", 1)]))
            done, _ = await asyncio.wait([submitting], timeout=0.7)
            assert not done
        assert len(await submitting) == 1


@pytest.mark.parametrize("state", [full, without_replicas, demoted, busy, unblocked])
@pytest.mark.parametrize("deadline", [None, 60])
async def test_a_collector_waits_for_a_state_that_passes(url, server, state, deadline):
    async with until(20), Producer(url, patience=15) as producer:
        batch = await producer.submit([call("f", n) for n in range(3)], deadline=deadline)
        reading = asyncio.create_task(batch.outcomes())
        await blocked_read(server)
        async with state(server):
            done, _ = await asyncio.wait([reading], timeout=1.6)  # a look falls into it
            assert not done
        await serve(JobStore(server, KeySpace(), "w1", LEASE), 3)
        assert [outcome.value for outcome in await reading] == [0, 1, 2]


async def test_patience_ends_with_the_right_advice(url, server):
    async with until(20), Producer(url, patience=0.1) as producer, full(server):
        with pytest.raises(RedisUnavailable, match="maxmemory"):
            await producer.submit([call("f", 1)])


READER = (
    "reset on nopass resetchannels -@all +ping +xread +xrevrange +get +mget +exists +hget +hmget "
    "+zscore %R~arq:queue %R~arq:result:* %R~gatherq:batch:* %R~gatherq:done:* %R~gatherq:nudge:*"
)


@pytest.mark.parametrize("deadline", [None, 60])
async def test_who_may_only_read_reads(url, server, deadline, caplog):
    await server.execute_command("ACL", "SETUSER", "reader", *await rights(server, *READER.split()))
    port = server.connection_pool.connection_kwargs["port"]
    reader_url = f"redis://reader:any@127.0.0.1:{port}/0"
    async with until(20), Producer(url) as producer, Producer(reader_url, patience=1) as reader:
        batch = await producer.submit([call("f", n) for n in range(3)], deadline=deadline)
        theirs = await reader.batch(batch.id)
        reading = asyncio.create_task(theirs.outcomes())
        waiting = asyncio.create_task(theirs.wait())
        done, _ = await asyncio.wait([reading, waiting], timeout=3.5)  # several looks
        assert not done
        await serve(JobStore(server, KeySpace(), "w1", LEASE), 3)
        await server.delete(f"gatherq:done:{batch.id}")
        assert [outcome.value for outcome in await reading] == [0, 1, 2]
        assert not (await waiting)[1]
        with pytest.raises(RedisUnavailable, match="ACL SETUSER"):
            await theirs.cancel()
    said = [r.message for r in caplog.records if r.message.startswith("cannot ")]
    assert len(said) == 2
    assert all("NoPermissionError" in message for message in said)
