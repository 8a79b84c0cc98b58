"""Batches, slots and error groups, as `Inspector` reads them from a real server."""

import tracemalloc

import pytest

from gatherq import BatchNotFound, Inspector, InvalidSelector, call
from gatherq.contract import records
from gatherq.contract.keys import KeySpace
from gatherq.contract.records import JobRecord, Times, Verdict

from ..conftest import until

keys = KeySpace()
MIB = 1024 * 1024


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


def result(batch, slot, value):
    """Encode a result with that value."""
    job = JobRecord(f="f", a=[], k={}, et=1_795_000_000_000)
    return records.encode_result(
        Verdict("succeeded", value),
        job_id=f"{batch}:{slot}",
        attempt=1,
        worker="w1",
        job=job,
        batch=batch,
        slot=slot,
        times=Times(1_795_000_000_001, 1_795_000_000_002),
        queue="q",
    )


async def ended(redis, queue, batch, values):
    """Write a batch that has ended, as its steps leave it."""
    size = 0
    async with redis.pipeline(transaction=False) as pipe:
        for slot, value in enumerate(values):
            pipe.set(keys.result(f"{batch}:{slot}"), result(batch, slot, value), ex=600)
            size += 1
            if slot % 500 == 499:
                await pipe.execute()
        counts = {"size": size, "written": size, "succeeded": size, "queue": queue}
        pipe.hset(keys.batch(batch), mapping=counts)
        pipe.expire(keys.batch(batch), 600)
        await pipe.execute()


async def peak_of(slots):
    """Return how many slots there are, and most bytes that were held while they were read."""
    tracemalloc.start()
    try:
        count = 0
        async for _ in slots:
            count += 1
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.long
async def test_many_slots_are_read_in_flat_memory(inspector, redis, queue, batch):
    await ended(redis, queue, batch, (f"{slot} {'x' * 1000}" for slot in range(20_000)))
    async with until(60):
        few, less = await peak_of(inspector.slots(f"{batch}:0-1999"))
        many, more = await peak_of(inspector.slots(batch))
    assert (few, many) == (2_000, 20_000)
    assert max(less, more) < 5 * MIB  # of more than 20


async def test_large_results_are_read_some_at_a_time(inspector, redis, queue, batch):
    await ended(redis, queue, batch, ("x" * (4 * MIB) for _ in range(24)))
    async with until(60):
        count, most = await peak_of(inspector.slots(batch))
    assert count == 24
    assert most < 60 * MIB  # 96 MiB of results, and each is held as bytes, as text and as a value


async def test_groups_without_the_counts_are_those_of_the_slots(
    inspector, producer, redis, start_worker
):
    start_worker()
    async with until(20):
        batch = await producer.submit(
            [call("fail", f"no {n}") for n in range(4)] + [call("echo", 1)]
        )
        await batch.outcomes()
    (counted,) = await inspector.error_groups(batch.id)
    batches = [await inspector.batch(batch.id), await inspector.batch(batch.id)]
    for (group,) in await inspector.counted_errors(batches):
        assert (group.signature, group.count, group.text) == (
            *(counted.signature, counted.count, counted.text),
        )
    assert (counted.count, counted.slots, counted.text) == (4, (0, 1, 2, 3), "ValueError: no #")
    assert counted.where == "jobs.py in fail"
    await redis.delete(keys.errors(batch.id))
    assert await inspector.counted_errors(batches) == [[], []]
    assert await inspector.error_groups(batch.id) == [counted]
    await redis.delete(keys.done(batch.id))
    assert await inspector.error_groups(batch.id) == [counted]
    (some,) = await inspector.error_groups(f"{batch.id}:1-2")
    assert (some.count, some.slots) == (2, (1, 2))
    assert await inspector.error_groups(batch.id, "job:echo") == []


async def test_what_is_found_by_a_beginning(inspector, producer):
    for name in ("nightly-1", "nightly-2", "weekly"):  # of one ms the last by name is the newest
        await producer.submit([call("f")], batch_id=f"{name}-{inspector.queue[5:]}")
    assert (await inspector.batch("week")).id.startswith("weekly")
    assert (await inspector.batch("@2")).id.startswith("nightly-2")
    with pytest.raises(InvalidSelector, match="2 batches begin with nightly"):
        await inspector.batch("nightly")
    with pytest.raises(BatchNotFound, match="only 3 of them are listed"):
        await inspector.batch("@4")
    assert len(await inspector.batches(since=3600)) == await inspector.listed() == 3
    assert await inspector.batches(since=0) == []


async def test_a_forged_size_is_none(inspector, redis, batch):
    await redis.hset(keys.batch(batch), "size", 10**14)
    await redis.expire(keys.batch(batch), 600)
    with pytest.raises(BatchNotFound):
        await inspector.batch(batch)


async def test_a_watch_ends_with_a_batch_whose_stream_is_gone(inspector, producer, redis):
    batch = await producer.submit([call("f") for _ in range(3)])
    seen = []
    async with until(20):
        async for progress in inspector.watch(batch.id):
            seen.append(progress.batch.left)
            await redis.delete(keys.done(batch.id))
            await redis.set(keys.done(batch.id), "x")
            await batch.cancel()
    assert (seen[0], seen[-1]) == (3, 0)


async def test_a_damaged_batch_is_not_said_to_be_like_itself(inspector, redis, producer):
    found = await producer.submit([call("f")], batch_id="nearly-it")
    await redis.hset(keys.batch(found.id), "size", "junk")
    with pytest.raises(BatchNotFound) as raised:
        await inspector.batch(found.id)
    assert "did you mean" not in str(raised.value)
    await redis.delete(keys.batch(found.id), keys.done(found.id))
