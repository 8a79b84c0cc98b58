"""Whatever stands in Redis: no step fails, and no neighbour is touched or charged."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gatherq import Producer
from gatherq.contract.keys import KeySpace
from gatherq.errors import BatchNotFound
from tests.seeds import ASKED, EXAMPLES

from .world import GOOD, QUEUE, STEPS, World, damage, damaged

keys = KeySpace()


@pytest.fixture
async def redis(server_url):
    async with Redis.from_url(server_url.replace("/0", "/9")) as client:
        yield client


@settings(
    max_examples=EXAMPLES,
    derandomize=not ASKED,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    damages=st.lists(damage(), min_size=1, max_size=4),
    steps=st.lists(st.sampled_from(STEPS), max_size=6),
)
async def test_whatever_stands_in_redis_no_step_fails_and_no_neighbour_is_charged(
    redis, damages, steps
):
    await redis.flushdb()
    world = World(redis)
    await world.begin()
    for each in damages:
        await damaged(redis, *each)
    for step in steps:
        await getattr(world, step)()
    if any(a.batch == "good" for a in world.held):
        await world.release()
    good = await world.drain()
    found = [await redis.get(keys.result(f"good:{n}")) for n in range(GOOD)]
    assert all((raw and b'"succeeded"' in raw) or b'"failed"' in raw for raw in found)
    assert set(good.values()) <= {1}
    done = await redis.xrange(keys.done("good"))
    slots = [slot for _, pairs in done for slot in pairs if slot.isdigit()]
    assert sorted(map(int, slots)) == list(range(GOOD))


@settings(
    max_examples=max(EXAMPLES // 3, 50),
    derandomize=not ASKED,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(damages=st.lists(damage(), min_size=1, max_size=4), ended=st.booleans())
async def test_whatever_stands_in_redis_every_slot_is_read_and_no_neighbour_waits(
    redis, server_url, damages, ended
):
    """A collector reads what is damaged while, or after, its jobs run."""
    await redis.flushdb()
    world = World(redis)
    await world.begin()
    if ended:
        await world.release()
        await world.drain()
    for each in damages:
        await damaged(redis, *each)
    if not ended:
        await world.release()
        await world.drain()
    async with Producer(server_url.replace("/0", "/9"), queue=QUEUE, patience=5) as producer:
        async with asyncio.timeout(30):
            good = await (await producer.batch("good")).outcomes()
            assert [(o.slot, o.status) for o in good] == [(n, "succeeded") for n in range(GOOD)]
            outcomes = []
            try:
                bad = await producer.batch("bad")
                async for outcome in bad.as_completed(timeout=0):  # what has ended by now
                    outcomes.append(outcome)
            except TimeoutError:
                pass
            except BatchNotFound:
                return  # its hash is what was damaged
    assert all(o.job_id == f"bad:{o.slot}" for o in outcomes)
