"""A client that is told a URL of sentinels: what it finds, and what it says where it finds none."""

import asyncio
import subprocess

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq import Producer
from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.inspection.inspector import Inspector
from gatherq.store.server.connection import client, connect, disconnect
from gatherq.store.server.sentinels import MasterPool
from gatherq.testing.server import free_port
from tests.conftest import gatherq, until
from tests.servers import NAME, replica_of, sentinels, server

SECRETS = {"password": "of-the-server", "own_password": "of-sentinels"}
OF_SERVERS = {"password": SECRETS["password"]}


@pytest.fixture
async def pair():
    async with server(**OF_SERVERS) as master, replica_of(master, **OF_SERVERS) as replica:
        yield master, replica


@pytest.fixture
async def watch(pair):
    async with sentinels(pair[0], **SECRETS) as watch:
        yield watch


async def refusal(url):
    """Return what a producer says of a server that it cannot use; it tells no password."""
    with pytest.raises(RedisUnavailable) as raised:
        async with Producer(url):
            pass
    said = str(raised.value)
    assert "\n" not in said
    assert not [secret for secret in SECRETS.values() if secret in said]
    return said


async def test_what_is_wrong_is_said_with_what_to_do(watch, pair):
    url = watch.url
    assert await refusal(url.replace(f"/{NAME}/", "/other/")) == (
        f"cannot use Redis at {Producer(url).url.replace(NAME, 'other')}: the sentinels know no "
        f"master 'other', only {NAME}; name one that they know behind the hosts"
    )
    said = await refusal(url.replace("of-sentinels", "wrong"))
    assert ": no sentinel lets us in (127.0.0.1:" in said
    assert said.endswith("; check sentinel_username and sentinel_password, options of the URL")
    assert "no sentinel lets us in" in await refusal(url.partition("?")[0])
    assert "; check user and password" in await refusal(url.replace("of-the-server", "wrong"))
    no_sentinel = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{pair[0].port}/{NAME}"
    said = await refusal(no_sentinel)
    assert ": no sentinel answers (127.0.0.1:" in said
    assert said.endswith("are these their hosts and ports? Usual is port 26379")


async def test_a_master_that_is_down_is_waited_for(watch, pair):
    master, replica = pair
    async with until(60), Producer(watch.url, patience=30) as producer:
        batch = await producer.submit([])
        await replica.kill()
        await master.kill()
        while "down" not in (said := await refusal(watch.url)):
            pass  # sentinels doubt it for a moment
        assert f": the sentinels say that {NAME} is down, and have promoted no other" in said
        assert "; wait for the failover, or ask one of them: SENTINEL CKQUORUM " in said
        asking = asyncio.create_task(producer.batch(batch.id))
        await master.start()
        with pytest.raises(BatchNotFound):
            await asking


async def test_sentinels_that_are_away_or_silent_are_passed_by(watch):
    first, second, third = watch.processes
    await first.kill()
    second.pause()
    async with until(20), Producer(watch.url) as producer:
        assert await producer.redis.ping()
    second.resume()
    await third.kill()
    async with until(20), Producer(watch.url) as producer:
        assert await producer.redis.ping()


async def test_a_sentinel_that_names_a_replica_is_not_believed(watch, pair):
    """One that was cut off from the others may do so for a while."""
    _, replica = pair
    async with (
        until(60),
        replica_of(replica, **OF_SERVERS),
        sentinels(replica, 1, **SECRETS) as behind,
    ):
        hosts = watch.url.partition("@")[2].partition("/")[0]
        old = f"127.0.0.1:{behind.processes[0].port}"
        url = watch.url.replace(hosts, f"{old},{hosts}")
        assert f"127.0.0.1:{replica.port} is not the master" in await refusal(url)
        async with Inspector(url, patience=10) as inspector:  # the second time it asks another
            assert await inspector.batches() == []


def like(pool):
    """Make another pool, as each part of a worker has one."""
    options = {name: value for name, value in pool.connection_kwargs.items() if "pool" not in name}
    made = MasterPool(pool.service_name, pool.sentinel_manager.copy(), **options)
    made.connection_class = pool.connection_class
    return made


async def test_connections_follow_one_that_meets_a_new_master(watch, pair):
    """Also those that only read, which a demoted server would go on answering."""
    master, replica = pair
    redis = connect(watch.url)
    another = client(like(redis.connection_pool))
    async with until(60):
        await asyncio.gather(redis.ping(), redis.ping(), another.ping())
        blocked = asyncio.create_task(redis.blpop(["nothing"], 9))
        while not (await master.redis.info("clients"))["blocked_clients"]:
            await asyncio.sleep(0.01)
        await watch.sees_soon()
        await replica.redis.execute_command("REPLICAOF", "NO", "ONE")
        await master.redis.execute_command("REPLICAOF", "127.0.0.1", replica.port)
        await watch.switched()
        with pytest.raises(RedisConnectionError, match="it is the master no more: UNBLOCKED"):
            await blocked
        assert await redis.set("a", 1)
        clients = (redis, redis, redis, another)
        info = await asyncio.gather(*(each.info("server") for each in clients))
    assert {each["tcp_port"] for each in info} == {replica.port}
    await disconnect(redis)
    await disconnect(another)


async def test_commands_take_the_url(watch):
    for word, code in (["ls", 0], ["doctor", 0], ["queue", 0], ["workers", 0], ["health", 1]):
        run = await asyncio.to_thread(
            subprocess.run,
            gatherq(word, "--redis", watch.url),
            capture_output=True,
            text=True,
            check=False,
        )
        said = run.stdout + run.stderr
        assert "Traceback" not in said
        assert "cannot use" not in said
        assert run.returncode == code  # of health: no worker is there
        assert not [secret for secret in SECRETS.values() if secret in said]
