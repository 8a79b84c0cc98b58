"""Writes that replicas are to have before they count: GATHERQ_REPLICAS, on servers of one's own."""

import asyncio
import logging
import random
from contextlib import suppress

import pytest

from gatherq import Producer, call
from gatherq.contract.keys import DEFAULT_QUEUE, KeySpace
from gatherq.errors import RedisUnavailable
from gatherq.store.jobs import JobStore
from gatherq.store.server import replicas
from tests.conftest import until
from tests.proxy import Proxy
from tests.servers import replica_of, server

from .outcomes import succeeded
from .steps import claim

#: By the number of replicas that are waited for.
ROUNDS = {1: 8, 0: 2}


@pytest.fixture
async def pair():
    async with server() as master, replica_of(master) as replica:
        yield master, replica


async def has(server, batch):
    return await server.redis.exists(KeySpace(DEFAULT_QUEUE).batch(batch.id))


async def blocked(server, count=1):
    """Wait until so many clients wait for a replica."""
    while (await server.redis.info("clients"))["blocked_clients"] < count:
        await asyncio.sleep(0.005)


def said(caplog):
    found = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    return [text for text in found if "replicas" in text]


async def test_what_a_producer_is_told_of_is_on_the_replica(pair, monkeypatch):
    monkeypatch.setattr(replicas, "_PATIENCE", 30_000)
    master, replica = pair
    async with until(60), Producer(master.url, replicas=1) as producer:
        batch = await producer.submit([call("f")] * 3)
        for step in (lambda: producer.submit([call("f")]), lambda: batch.cancel(0), batch.redrive):
            replica.pause()
            asked = asyncio.create_task(step())
            await blocked(master)
            assert not asked.done()
            replica.resume()
            await asked


@pytest.mark.parametrize("wanted", ROUNDS)
async def test_a_failover_right_after_submit_loses_nothing(wanted, tmp_path):
    """The replica is cut off at any moment; without replicas=1 some of it would be gone."""
    lost = kept = 0
    for round_ in range(ROUNDS[wanted]):
        async with server() as master, Proxy(master.port) as proxy, until(30):
            proxy.port = int(proxy.url.rpartition(":")[2].partition("/")[0])
            async with replica_of(proxy) as replica:
                returned = await submitted(master, proxy, wanted, random.Random(round_))
                await replica.redis.execute_command("REPLICAOF", "NO", "ONE")
                there = [await has(replica, batch) for batch in returned]
                kept, lost = kept + sum(there), lost + there.count(0)
    assert kept
    assert bool(lost) == (wanted == 0)


async def submitted(master, proxy, wanted, choice):
    """Submit batches until the master dies, whose replica is cut off before; return them."""
    returned = []

    async def submit(producer):
        while True:
            returned.append(await producer.submit([call("f")] * choice.randint(1, 30)))

    async with Producer(master.url, replicas=wanted, patience=0) as producer:
        submitting = [asyncio.create_task(submit(producer)) for _ in range(3)]
        most = choice.randint(1, 20)
        while len(returned) < most:
            await asyncio.sleep(0)
        proxy.swallow()
        if wanted:
            await blocked(master, 3)
        else:
            while len(returned) < most + 20:
                await asyncio.sleep(0)
        await master.kill()
        for each in submitting:
            with suppress(RedisUnavailable):
                await each
    return returned


async def test_replicas_that_are_away_are_said_once_a_spell(pair, caplog):
    master, replica = pair
    async with until(60), Producer(master.url, replicas=1) as producer:
        replica.pause()
        batches = [await producer.submit([call("f")]) for _ in range(3)]
        assert said(caplog) == [
            "0 of 1 replicas (GATHERQ_REPLICAS) have confirmed a write within 1 s: a failover "
            "now may lose it; it goes on: see INFO replication"
        ]
        assert [await has(master, batch) for batch in batches] == [1, 1, 1]
        replica.resume()
        while len(said(caplog)) < 2:
            await producer.submit([call("f")])
        assert said(caplog)[1:] == ["replicas of Redis confirm writes again"]
        replica.pause()
        await producer.submit([call("f")])
        assert len(said(caplog)) == 3
        replica.resume()


async def test_a_user_who_may_not_wait_is_told_so(caplog):
    async with server() as master, until(30):
        await master.redis.execute_command("ACL", "SETUSER", "default", "-wait")
        async with Producer(master.url, replicas=1) as producer:
            batch = await producer.submit([call("f")])
            assert await has(master, batch)
    (text,) = said(caplog)
    assert text.startswith("replicas of Redis cannot be waited for (GATHERQ_REPLICAS): ")
    assert "permissions" in text


async def test_a_worker_counts_an_outcome_as_recorded_once_a_replica_has_it(pair, monkeypatch):
    monkeypatch.setattr(replicas, "_PATIENCE", 30_000)
    keys = KeySpace(DEFAULT_QUEUE)
    master, replica = pair
    async with until(60):
        async with Producer(master.url) as producer:
            batch = await producer.submit([call("f")])
        waited_for = replicas.waited_for(1, logging.getLogger("gatherq.worker"))
        store = JobStore(master.redis, keys, "w1", 30.0, waited_for)
        replica.pause()
        (attempt,) = (await claim(store)).attempts  # which waits for nobody
        recording = asyncio.create_task(store.record([succeeded(attempt)]))
        await blocked(master)
        assert not recording.done()
        replica.resume()
        assert (await recording).replies == ["recorded"]
        assert await replica.redis.exists(keys.result(f"{batch.id}:0"))


def test_nothing_is_waited_for_unless_it_is_asked_for():
    assert replicas.waited_for(0, logging.getLogger("gatherq")) is None
