"""A user of Redis who may only look: docs/deploying.md has the line that makes one."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from gatherq import Inspector, call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import KeySpace
from gatherq.errors import RedisUnavailable
from gatherq.inspection.metrics.pool_metrics import PoolMetrics
from gatherq.store.inspection.reading import fields_of
from gatherq.store.parking import Admission, Gate

from ..conftest import until
from .steps import claim, rights

DEPLOYING = Path(__file__).parents[2] / "docs" / "deploying.md"
#: What an older line had, and commands that it lacked.
OLDER = (
    "resetkeys %R~QUEUE %R~arq:job:* %R~arq:in-progress:* %R~arq:retry:* %R~arq:result:* "
    "%R~gatherq:batch:* %R~gatherq:done:* %R~gatherq:attempts:* %R~gatherq:workers:QUEUE "
    "%R~gatherq:batches:QUEUE %R~gatherq:quarantine:QUEUE -strlen"
)
NEWER = ("-getrange", "-zmscore", "-smembers", "-hscan")
LINE = re.compile(r"^ACL SETUSER gq-reader .*$", re.MULTILINE)


@pytest.fixture
async def as_reader(redis, server_url, queue):
    """Return the URL of a user with the rights of the line, and others besides or taken away."""
    (line,) = LINE.findall(DEPLOYING.read_text())
    _, _, _, *rules = line.replace("arq:queue", queue).replace("PASSWORD", "secret").split()
    made = []

    async def as_reader(*more):
        name = f"gq-reader-{queue}-{len(made)}"
        await redis.execute_command("ACL", "SETUSER", name, *await rights(redis, *rules, *more))
        made.append(name)
        parts = urlsplit(server_url)
        return f"redis://{name.replace(':', '%3A')}:secret@{parts.hostname}:{parts.port}/0"

    yield as_reader
    for name in made:
        await redis.execute_command("ACL", "DELUSER", name)


@pytest.fixture
async def held_back(redis, queue, batch, asks, store):
    """A batch of one slot that runs, one in a lane, one at a gate, and two outside."""
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(5)]
    given = {"options": BatchOptions(max_at_once=3), "origin": BatchOrigin(kind="submit")}
    await asks.submit(batch, 5, 3600, 0, jobs, life=batch, **given)
    mine = store()
    first, second, third = (await claim(mine)).attempts
    gate = Gate("f", most=1)
    asked = [Admission(first, "", gate), Admission(second, "", gate), Admission(third, "process")]
    assert await mine.park(asked) == [True, False, False]
    keys = KeySpace(queue)
    await redis.hset(keys.batch(batch), mapping={"again": 1, "beyond": 1})
    await redis.zadd(keys.again(batch), {"4": 4})
    return batch


@pytest.fixture
async def ended(producer, start_worker):
    """A batch that has ended, and one that runs."""
    start_worker("--grace", "0.1")
    async with until(20):
        batch = await producer.submit([call("fail", "x"), call("echo", 1)], batch_id=None)
        await batch.outcomes()
        running = await producer.submit([call("sleep", 60)])
        while not (await running.counts()).running:
            await running.counts()
    return batch.id, running.id


async def look_at(inspector, ended, running):
    """Look at all that there is to look at."""
    assert len(await inspector.batches()) == await inspector.listed() == 2
    assert (await inspector.batch("@")).id == running
    assert [slot.status async for slot in inspector.slots(ended)] == ["failed", "succeeded"]
    assert [slot.status async for slot in inspector.slots(running)] == ["running"]
    (group,) = await inspector.error_groups(ended)
    assert (group.text, group.count, group.slots) == ("ValueError: x", 1, (0,))
    async for progress in inspector.watch(ended):
        assert progress.batch.finished == 2
    assert len((await inspector.report(running)).columns) == 1
    await inspector.rates([await inspector.batch(running)])
    await inspector.running(running)
    await inspector.workers()
    await inspector.queue_info()
    assert inspector.queue in await inspector.queue_names(scan=False)
    assert (await inspector.snapshot()).queues[0].queue.running == 1
    assert (await inspector.explain(running)).target == running


async def test_every_look_works(redis, as_reader, ended, queue):
    async with until(30), Inspector(await as_reader(), queue=queue) as inspector:
        await look_at(inspector, *ended)
        assert [event async for event in inspector.events()]
    log = await redis.execute_command("ACL", "LOG", 100)
    refused = [dict(fields_of(entry)) for entry in log if queue in str(entry)]
    others = set(await redis.zrange(KeySpace(queue).queues, 0, -1))  # of other tests
    refused = [entry for entry in refused if entry[b"object"] not in others]
    # redis-py tells its name and version to whoever wants to hear it.
    assert {entry[b"object"] for entry in refused} <= {b"client|setinfo", b"client"}


async def waits(inspector, batch):
    return [slot.waits_at async for slot in inspector.slots(batch, "status:waiting")]


async def test_what_limits_hold_back_is_seen(as_reader, held_back, queue):
    async with until(30), Inspector(await as_reader(), queue=queue) as inspector:
        assert await waits(inspector, held_back) == ["gate:f", "lane:process", "batch", "batch"]
        assert [gate.waiting for gate in await inspector.gates()] == [1]
        found = await inspector.queue_info()
        assert (found.parked, found.lanes, found.outside) == (2, {"process": 1}, 2)
        codes = {cause.code for cause in (await inspector.explain(held_back)).causes}
        assert {"GATE", "NO_PLACE", "MAX_AT_ONCE"} <= codes


async def test_an_older_reader_sees_that_it_waits_and_not_for_what(as_reader, held_back, queue):
    url = await as_reader(*OLDER.replace("QUEUE", queue).split(), *NEWER)
    async with until(30), Inspector(url, queue=queue) as inspector:
        assert await waits(inspector, held_back) == ["", "", "batch", "batch"]
        assert await inspector.gates() == []
        found = await inspector.queue_info()
        assert (found.parked, found.lanes, found.deferred, found.running) == (2, {}, 0, 1)
        assert found.at_gates == 2
        explained = await inspector.explain(held_back)
        assert "DATA_GONE" not in {cause.code for cause in explained.causes}
        assert (await inspector.snapshot()).queues[0].queue.demand == 1


async def test_a_queue_that_a_reader_may_not_read_hides_none_that_it_may(
    redis, as_reader, ended, queue
):
    await redis.zadd(KeySpace(queue).queues, {f"{queue}-other": 2**52})
    try:
        async with until(30), Inspector(await as_reader(), queue=queue) as inspector:
            assert [each.name for each in await inspector.queues(scan=False)] == [queue]
            assert [each.name for each in await inspector.queues()] == [queue]
            _, text = await PoolMetrics(inspector).render()
        assert b"gatherq_redis_up 1.0" in text
        assert f'gatherq_queue_demand{{queue="{queue}"}} 1.0'.encode() in text
        async with until(30), Inspector(await as_reader(), queue="denied") as inspector:
            assert [each.name for each in await inspector.queues()] == [queue]
            with pytest.raises(RedisUnavailable, match="denied"):
                await inspector.queue_info()
    finally:
        await redis.zrem(KeySpace(queue).queues, f"{queue}-other")


async def test_who_may_read_no_queue_hears_why(as_reader, queue):
    url = await as_reader("resetkeys", "%R~gatherq:queues")
    async with until(30), Inspector(url, queue=queue) as inspector:
        with pytest.raises(RedisUnavailable, match=queue):
            await inspector.queues()


async def test_an_older_reader_sees_what_it_saw(as_reader, ended, queue):
    url = await as_reader(*OLDER.replace("QUEUE", queue).split(), *NEWER)
    async with until(30), Inspector(url, queue=queue) as inspector:
        await look_at(inspector, *ended)


@pytest.mark.parametrize("command", ["zrevrange", "hgetall", "mget", "xread", "time"])
async def test_what_is_missing_is_named(as_reader, ended, queue, command):
    async with until(30), Inspector(await as_reader(f"-{command}"), queue=queue) as inspector:
        with pytest.raises(RedisUnavailable, match=f"(?i){command}.*ACL SETUSER"):
            await look_at(inspector, *ended)


async def test_a_key_that_is_denied_is_named(as_reader, ended, queue):
    url = await as_reader("resetkeys", "%R~gatherq:batch:*")
    async with until(30), Inspector(url, queue=queue) as inspector:
        with pytest.raises(RedisUnavailable, match=f"gatherq:batches:{queue}"):
            await inspector.batches()


async def test_a_reader_writes_nothing(as_reader, queue):
    async with Redis.from_url(await as_reader()) as redis:
        for command in (["SET", "arq:job:x", "1"], ["DEL", "arq:job:x"], ["ZADD", queue, 1, "x"]):
            with pytest.raises(Exception, match="permission"):
                await redis.execute_command(*command)
