"""A few jobs are shared by the workers that are there; many are taken by whoever has room."""

import pytest

from gatherq.contract.keys import KeySpace

from .steps import claim, record


@pytest.fixture
async def workers(store):
    """Return three workers that are alive."""
    stores = [store(name) for name in ("w1", "w2", "w3")]
    for each in stores:
        await each.renew([])
    return stores


async def taken(store, n=10):
    return [attempt.slot for attempt in (await claim(store, n)).attempts]


async def test_each_takes_a_share_and_wakes_another(redis, submit, workers, queue):
    wake = KeySpace(queue).wake
    await submit(6)
    await redis.delete(wake)
    first, second, third = workers
    assert await taken(first) == [0, 1]
    assert await redis.llen(wake) == 1
    assert await taken(second) == [2, 3]
    assert await taken(third) == [4]
    await redis.delete(wake)
    assert await taken(first) == [5]
    assert await redis.llen(wake) == 0  # nothing is left for another


async def test_a_share_that_is_all_there_is_wakes_nobody(redis, submit, workers, queue):
    await submit(1)
    await redis.delete(KeySpace(queue).wake)
    claimed = await claim(workers[0])
    assert [attempt.slot for attempt in claimed.attempts] == [0]
    assert await redis.llen(KeySpace(queue).wake) == 0


async def test_many_jobs_fill_a_worker(submit, workers):
    await submit(60)
    assert len(await taken(workers[0], 10)) == 10


async def test_a_worker_that_is_alone_takes_all(submit, store):
    await store().renew([])
    await submit(6)
    assert await taken(store()) == list(range(6))


async def test_who_has_been_silent_gets_no_share(redis, submit, workers, queue):
    await submit(6)
    for name in ("w2", "w3"):
        await redis.zincrby(KeySpace(queue).workers, -20_000, name)
    assert await taken(workers[0]) == list(range(6))


async def test_what_is_queued_of_a_large_batch_is_not_shared(submit, workers):
    """More of it comes in as this is claimed."""
    await submit(500)
    for _ in range(7):  # until less is in the queue than would fill three workers
        attempts = (await claim(workers[0], 25)).attempts
        assert len(attempts) == 25
        await workers[0].record([record(each) for each in attempts])
