"""A look at the queue says whether a claim may find jobs, and signs the worker as alive."""

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.claims import BAND
from gatherq.store.jobs import Look

from .steps import claim


@pytest.fixture
def queue_key(queue):
    return KeySpace(queue).queue


async def test_an_empty_queue_has_nothing(store):
    assert (await store().look()).next_in is None


async def test_what_is_due_is_to_be_claimed_at_once(store, submit):
    await submit(1)
    assert (await store().look()).next_in == 0


async def test_the_next_that_is_due_says_when(redis, store, submit, queue_key):
    await submit(2)
    await claim(store(), 1)  # hidden for a lease
    first, second = await redis.zrange(queue_key, 0, -1)
    now = (await store().look()).now
    await redis.zadd(queue_key, {first: now + 60_000, second: now + 40_000})
    look = await store().look()
    assert 0 < look.next_in <= 40_000 - (look.now - now)


@pytest.mark.parametrize("score", [2 * BAND, 1e14 + 0.25, float("inf"), float("-inf")])
async def test_what_a_look_cannot_judge_is_left_to_a_claim(redis, store, queue_key, score):
    now = (await store().look()).now
    await redis.zadd(queue_key, {"b:0": now + 60_000, "b:1": score})
    assert (await store().look()).next_in == 0
    await redis.zrem(queue_key, "b:0")
    assert (await store().look()).next_in == 0


async def test_a_far_time_is_a_number(redis, store, queue_key):
    await redis.zadd(queue_key, {"b:0": BAND - 1})
    assert (await store().look()).next_in == 2**31 - 1


async def test_a_queue_of_another_type_has_nothing(redis, store, queue_key):
    await redis.set(queue_key, "x")
    assert (await store().look()).next_in is None


async def test_a_look_is_a_sign_of_life_also_after_a_flush(redis, store, queue):
    mine, workers = store(), KeySpace(queue).workers
    await mine.renew([])
    await redis.delete(workers)
    look = await mine.look()
    assert look == Look(await redis.zscore(workers, "w1"), None)
    assert 0 < await redis.ttl(workers) <= 86_400


async def test_a_wait_says_whether_the_worker_was_woken(store, submit):
    mine = store()
    assert not await mine.wait(0.01)
    await submit(1)
    assert await mine.wait(10.0)
