"""A few jobs are shared by the workers that are there; many are taken by whoever has room."""

import pytest

from gatherq import call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
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


@pytest.mark.parametrize(("jobs", "woken"), [(1, 1), (50, 1), (51, 2), (200, 4), (400, 4)])
async def test_many_jobs_wake_several_workers_at_once(redis, submit, queue, jobs, woken):
    """Of more than 200 no more than these are in the queue."""
    await submit(jobs)
    assert await redis.llen(KeySpace(queue).wake) == woken


async def test_no_more_are_woken_than_take_many_jobs(redis, submit, queue):
    wake = KeySpace(queue).wake
    await redis.rpush(wake, *"111")
    await submit(200)
    assert await redis.llen(wake) == 4
    await redis.rpush(wake, *"1" * 20)
    await submit(200)
    assert await redis.llen(wake) == 24


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


@pytest.fixture
def submit_low(asks, batch):
    """Submit jobs of a lower priority."""

    async def submit_low(size):
        low = f"{batch}-low"
        jobs = [records.encode_job(call("f", n), low, n, None) for n in range(size)]
        await asks.submit(low, size, 3600, 0, jobs, options=BatchOptions(priority=-1), life="l")

    return submit_low


async def test_who_is_alone_takes_those_of_lower_priority_too(submit, submit_low, store):
    await store().renew([])
    await submit(2)
    await submit_low(2)
    assert await taken(store()) == [0, 1, 0, 1]


async def test_who_finds_less_than_its_share_takes_those_of_lower_priority_too(
    redis, submit, submit_low, workers, batch
):
    await submit(4)
    for slot in range(3):  # a plain arq worker has them
        await redis.psetex(KeySpace().in_progress(f"{batch}:{slot}"), 60_000, b"1")
    await submit_low(3)
    assert await taken(workers[0]) == [3, 0, 1, 2]


async def test_a_worker_with_one_place_takes_a_job(submit, workers):
    await submit(3)
    assert await taken(workers[0], 1) == [0]


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


async def test_the_rest_of_a_large_batch_is_shared_once_all_of_it_is_in_the_queue(submit, workers):
    await submit(250)
    left = 250
    while left > 6:
        attempts = (await claim(workers[0], min(25, left - 6))).attempts
        await workers[0].record([record(each) for each in attempts])
        left -= len(attempts)
    assert await taken(workers[0]) == [244, 245]


async def test_what_a_limited_batch_has_in_the_queue_is_shared(asks, workers, batch):
    """More of it comes in as this ends, not as it is claimed."""
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(20)]
    options = BatchOptions(max_at_once=6)
    await asks.submit(batch, 20, 3600, 0, jobs, options=options, life="l")
    assert await taken(workers[0]) == [0, 1]


@pytest.fixture
def signed(redis, queue):
    """Say when a worker gave its last sign of life."""

    async def signed(worker="w1"):
        return await redis.zscore(KeySpace(queue).workers, worker)

    return signed


async def test_a_claim_that_finds_nothing_is_a_sign_of_life(redis, workers, submit, signed, queue):
    await redis.zadd(KeySpace(queue).workers, {"w1": 1})
    found = await workers[0].claim(5, 0, 0)
    assert await signed() == found.now
    await redis.zadd(KeySpace(queue).workers, {"w1": 1})
    await submit(1)
    assert (await workers[0].claim(5, 0, 0)).jobs
    assert await signed() == 1  # its heartbeat will tell


async def test_a_claim_that_finds_nothing_lists_a_worker_that_was_flushed(
    redis, workers, signed, queue
):
    await redis.delete(KeySpace(queue).workers)
    found = await workers[0].claim(5, 0, 0)
    assert await signed() == found.now
    assert 0 < await redis.ttl(KeySpace(queue).workers) <= 86_400
