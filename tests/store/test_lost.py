"""What Redis, or somebody, has lost of a batch: a collector puts it back, or ends it."""

import asyncio

import pytest

from gatherq import call
from gatherq.contract import records
from gatherq.contract.keys import KeySpace
from gatherq.errors import BatchNotFound

from ..conftest import until
from .steps import claim
from .test_slots import plain
from .worker import serve

keys = KeySpace()

N = 6


@pytest.fixture
async def read(producer):
    """Read in every way at once: all ways agree."""

    async def read(batch, timeout=None):
        async with until(15):
            by_order, by_handle, ended = await asyncio.gather(
                batch.outcomes(),
                asyncio.gather(*(handle.outcome() for handle in batch.handles())),
                _as_ended(batch, timeout),
            )
        assert by_order == by_handle == ended
        return [plain(outcome) for outcome in by_order]

    return read


async def _as_ended(batch, timeout):
    found = [outcome async for outcome in batch.as_completed(timeout=timeout)]
    return sorted(found, key=lambda outcome: outcome.slot)


@pytest.mark.parametrize("timeout", [None, 10])
@pytest.mark.parametrize("deadline", [None, 60])
async def test_a_queue_that_was_deleted_is_filled_again(
    producer, store, redis, queue, read, timeout, deadline
):
    batch = await producer.submit([call("f", n) for n in range(N)], deadline=deadline)
    await serve(store(), 2)
    await redis.delete(queue)
    reading = asyncio.create_task(read(batch, timeout))
    await asyncio.gather(serve(store(), N - 2), reading)
    assert await reading == list(range(N))


async def test_a_member_that_was_taken_out_of_the_queue_is_put_back(
    producer, store, redis, queue, read
):
    batch = await producer.submit([call("f", n) for n in range(N)])
    await redis.zrem(queue, f"{batch.id}:0", f"{batch.id}:4")
    _, found = await asyncio.gather(serve(store(), N), read(batch))
    assert found == list(range(N))


async def test_jobs_that_are_nowhere_are_ended(producer, store, redis, queue, read):
    batch = await producer.submit([call("f", n) for n in range(N)])
    for slot in (1, 5):
        await redis.delete(keys.job(f"{batch.id}:{slot}"))
        await redis.zrem(queue, f"{batch.id}:{slot}")
    _, found = await asyncio.gather(serve(store(), N - 2), read(batch))
    kinds = ("LostJob", "NeverSubmitted")  # the last one may as well never have been written
    assert (found[1], found[5] in kinds) == ("LostJob", True)
    assert [found[n] for n in (0, 2, 3, 4)] == [0, 2, 3, 4]


async def test_a_producer_that_died_while_it_wrote(producer, asks, store, read, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(3)]
    await asks.submit(batch, N, 60, 0, jobs)
    await serve(store(), 3)
    found = await read(await producer.batch(batch))
    assert found == [0, 1, 2, *["NeverSubmitted"] * 3]


async def test_a_producer_that_goes_on_writing_is_waited_for(producer, asks, store, read, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(N)]
    await asks.submit(batch, N, 60, 0, jobs[:1])
    reading = asyncio.create_task(read(await producer.batch(batch)))
    for slot in range(1, N):
        await serve(store(), 1)
        await asyncio.sleep(0.7)  # silence, and not for ever
        await asks.submit(batch, N, 60, slot, jobs[slot : slot + 1])
    await serve(store(), 1)
    assert await reading == list(range(N))


async def test_what_runs_long_in_silence_is_left_alone(producer, store, read):
    batch = await producer.submit([call("f", n) for n in range(2)])
    attempts = (await claim(store())).attempts
    reading = asyncio.create_task(read(batch))
    done, _ = await asyncio.wait([reading], timeout=3.5)
    assert not done
    await store().renew(attempts)
    assert [(a.number, a.slot) for a in attempts] == [(1, 0), (1, 1)]
    reading.cancel()


async def test_a_batch_that_has_gone_is_told_soon(producer, redis):
    batch = await producer.submit([call("f", n) for n in range(N)])
    reading = asyncio.create_task(batch.outcomes())
    await asyncio.sleep(0)
    await redis.delete(keys.batch(batch.id))
    async with until(4):
        with pytest.raises(BatchNotFound):
            await reading
