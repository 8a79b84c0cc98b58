"""Batch ids: one space in a database, whatever the queue; none between databases."""

import asyncio
import secrets

import pytest

from gatherq import Cancelled, Producer, call
from gatherq.errors import BatchConflict, BatchNotFound
from gatherq.store.jobs import Record

from ..conftest import until
from .steps import claim_all, keys
from .worker import succeeded


async def test_a_batch_is_found_from_any_queue_of_its_database(producer, server_url, queue):
    async with until(10), Producer(server_url, queue=f"{queue}:other") as other:
        batch = await producer.submit([call("nothing")], batch_id=drawn())
        found = await other.batch(batch.id)
        assert await found.cancel() == 1
        for each in (batch, found):
            (outcome,) = await each.outcomes()
            assert isinstance(outcome, Cancelled)
        with pytest.raises(BatchConflict):
            await other.submit([call("nothing")], batch_id=batch.id)


async def test_another_database_has_batches_of_its_own(producer, server_url, queue):
    elsewhere = f"{server_url.rsplit('/', 1)[0]}/8"
    async with until(10), Producer(elsewhere, queue=queue) as other:
        batch = await producer.submit([call("nothing")], batch_id=drawn())
        with pytest.raises(BatchNotFound):
            await other.batch(batch.id)
        same = await other.submit([call("nothing")], batch_id=batch.id)
        await batch.cancel()
        assert (await same.counts()).finished == 0
        await same.delete()


def drawn():
    return f"nightly-{secrets.token_hex(4)}"


async def in_order(batch):
    return await batch.outcomes()


async def as_they_end(batch):
    return [outcome async for outcome in batch.as_completed()]


async def put_into(seen, reading):
    async for outcome in reading:
        seen.append(outcome)


async def by_handles(batch):
    done, _ = await batch.wait()
    return [handle.result() for handle in done]


@pytest.fixture
def end(store):
    """End so many jobs that are queued, one at a time."""

    async def end(n):
        for attempt in await claim_all(store(), n):
            await store().record([Record(attempt, "succeeded", succeeded(attempt), 60)])

    return end


@pytest.fixture
def gives_way(producer, redis, queue):
    """Remove a batch, by `delete` or as a server that has lost it, and submit another one."""

    async def gives_way(batch, way):
        if way == "delete":
            await batch.delete()
        else:
            await redis.delete(*[key async for key in redis.scan_iter(f"*{batch.id}*", 10_000)])
            await redis.delete(queue)
        return await producer.submit([call("f", "new")] * len(batch), batch_id=batch.id)

    return gives_way


@pytest.mark.parametrize("read", [in_order, as_they_end, by_handles])
@pytest.mark.parametrize("way", ["delete", "lost"])
@pytest.mark.parametrize("size", [3, 11])
async def test_who_waits_for_a_batch_reads_nothing_of_another_under_its_id(
    producer, end, gives_way, size, way, read
):
    async with until(20):
        old = await producer.submit([call("f", "old")] * size, batch_id=drawn())
        found = await producer.batch(old.id)
        reading = [asyncio.create_task(read(each)) for each in (old, found)]
        first = old.as_completed()
        await end(size - 1)
        for _ in range(size - 1):
            assert (await anext(first)).value == "old"
        new = await gives_way(old, way)
        also = asyncio.create_task(read(await producer.batch(new.id)))
        await end(size)
        for each in (*reading, anext(first)):
            with pytest.raises(BatchNotFound, match="another one was submitted"):
                await each
        assert {outcome.value for outcome in await new.outcomes()} == {"new"}
        assert len(await also) == size


async def test_who_waits_learns_of_another_batch_that_has_not_ended_any_job(
    producer, end, gives_way
):
    async with until(20):
        old = await producer.submit([call("f", "old")] * 3, batch_id=drawn())
        reading = asyncio.create_task(old.outcomes())
        await end(2)
        new = await gives_way(old, "delete")
        waiting = asyncio.create_task(new.outcomes())
        with pytest.raises(BatchNotFound):
            await reading
        await end(3)
        assert {outcome.value for outcome in await waiting} == {"new"}


async def test_who_is_slow_to_read_what_has_ended_reads_nothing_of_another_batch(
    producer, end, gives_way
):
    """It has been told of all jobs, and asks for their results only now."""
    async with until(20):
        old = await producer.submit([call("f", "old")] * 300, batch_id=drawn())
        await end(300)
        reading = old.as_completed()
        assert (await anext(reading)).value == "old"
        await gives_way(old, "delete")
        await end(300)
        seen = []
        with pytest.raises(BatchNotFound):
            await put_into(seen, reading)
        assert {outcome.value for outcome in seen} <= {"old"}


ACTS = {
    "cancel": lambda batch: batch.cancel(),
    "cancel a job": lambda batch: batch.cancel(0),
    "redrive": lambda batch: batch.redrive(),
    "delete": lambda batch: batch.delete(),
    "keep": lambda batch: batch.keep(60),
    "detach": lambda batch: batch.detach(),
    "counts": lambda batch: batch.counts(),
}


@pytest.mark.parametrize("act", ACTS)
async def test_who_has_the_first_batch_of_an_id_changes_nothing_of_the_second(
    producer, redis, store, gives_way, act
):
    async with until(20):
        old = await producer.submit([call("f", "old")] * 3, batch_id=drawn())
        found = await producer.batch(old.id)
        new = await gives_way(old, "delete")
        attempts = await claim_all(store(), 2)
        await store().record([Record(attempts[0], "failed", succeeded(attempts[0]), 60)])
        before = await redis.hgetall(keys.batch(old.id))
        for batch in (old, found):
            with pytest.raises(BatchNotFound, match="another one was submitted"):
                await ACTS[act](batch)
        assert await redis.hgetall(keys.batch(old.id)) == before
        await ACTS[act](new)


async def test_a_handle_of_the_first_batch_cancels_nothing_of_the_second(
    producer, redis, gives_way, end
):
    async with until(20):
        old = await producer.submit([call("f", "old")] * 3, batch_id=drawn())
        handle = old.handles()[0]
        new = await gives_way(old, "delete")
        handle.cancel()
        with pytest.raises(BatchNotFound):
            await handle
        await end(3)
        assert {outcome.value for outcome in await new.outcomes()} == {"new"}


@pytest.mark.parametrize("read", [in_order, as_they_end])
@pytest.mark.parametrize("size", [3, 11])
async def test_who_reads_slowly_what_ends_meanwhile_is_told_that_the_batch_has_gone(
    producer, end, gives_way, size, read
):
    """All jobs had ended by then, and this reader was told so."""
    async with until(20):
        old = await producer.submit([call("f", "old")] * size, batch_id=drawn())
        slow, quick = old.as_completed(), old.as_completed()
        await end(1)
        assert (await anext(slow)).value == "old"
        await end(size - 1)
        for _ in range(size):
            await anext(quick)
        await gives_way(old, "delete")
        attached = asyncio.create_task(read(await producer.batch(old.id)))
        await end(size)
        assert len(await attached) == size
        seen = []
        with pytest.raises(BatchNotFound):
            await put_into(seen, slow)
        assert {outcome.value for outcome in seen} <= {"old"}


async def test_the_same_batch_submitted_again_is_read_by_all(producer, end):
    async with until(20):
        calls = [call("f", "same")] * 3
        first = await producer.submit(calls, batch_id=drawn())
        await end(1)
        again = await producer.submit(calls, batch_id=first.id)
        await end(2)
        for batch in (first, again, await producer.batch(first.id)):
            assert [outcome.value for outcome in await batch.outcomes()] == ["same"] * 3


@pytest.mark.parametrize("damage", [None, b"\xff" * 5000, b"junk", b"999999", b""])
@pytest.mark.parametrize("size", [4, 300])
async def test_a_batch_whose_life_is_lost_is_read_to_its_end(producer, redis, end, size, damage):
    async with until(20):
        batch = await producer.submit([call("f", "value")] * size, batch_id=drawn())
        await end(1)
        if damage is None:
            await redis.hdel(keys.batch(batch.id), "life")
        else:
            await redis.hset(keys.batch(batch.id), "life", damage)
        await end(size - 1)
        for each in (batch, await producer.batch(batch.id)):
            assert {outcome.value for outcome in await each.outcomes()} == {"value"}


@pytest.mark.parametrize("life", [b"junk", b"0123456789ab", b""])
async def test_a_completion_whose_life_is_damaged_is_one_of_its_batch(producer, redis, end, life):
    async with until(20):
        batch = await producer.submit([call("f", "value")] * 4, batch_id=drawn())
        reading = asyncio.create_task(batch.outcomes())
        await end(1)
        await redis.xadd(keys.done(batch.id), {"life": life, "1": "succeeded"})
        await end(3)
        for each in (reading, batch.outcomes(), (await producer.batch(batch.id)).outcomes()):
            assert [outcome.value for outcome in await each] == ["value"] * 4
