"""A size that somebody forged, or damaged: nobody goes through slots that never were."""

import asyncio

import pytest
from redis.asyncio import Redis

from gatherq import call
from gatherq.contract.keys import KeySpace
from gatherq.contract.validation import MAX_JOBS, check_jobs
from gatherq.errors import BatchNotFound, InvalidCall
from gatherq.store.maintenance import BatchMaintenance

from ..conftest import until

keys = KeySpace()


@pytest.mark.parametrize("size", [MAX_JOBS, MAX_JOBS + 1, 10**14])
async def test_it_is_extended_by_the_slots_that_were_written(server_url, producer, queue, size):
    async with until(20), Redis.from_url(server_url) as redis:
        batch = await producer.submit([call("f", n) for n in range(3)])
        await redis.hset(keys.batch(batch.id), "size", size)
        await BatchMaintenance(redis, KeySpace(queue)).extend(batch.id)


@pytest.mark.parametrize("size", [MAX_JOBS + 1, 10**14])
async def test_more_than_a_batch_can_have_is_no_size(server_url, producer, queue, size):
    async with until(20), Redis.from_url(server_url) as redis:
        batch = await producer.submit([call("f", n) for n in range(3)])
        await redis.hset(keys.batch(batch.id), "size", size)
        assert await BatchMaintenance(redis, KeySpace(queue)).sweep(batch.id, force=True) is None
        assert await BatchMaintenance(redis, KeySpace(queue)).size_of(batch.id) == 0
        with pytest.raises(BatchNotFound):
            await producer.batch(batch.id)


async def test_who_waits_for_it_is_told(server_url, producer):
    async with until(20), Redis.from_url(server_url) as redis:
        batch = await producer.submit([call("f", n) for n in range(3)])
        reading = asyncio.create_task(batch.outcomes())
        await redis.hset(keys.batch(batch.id), "size", 10**14)
        with pytest.raises(BatchNotFound):
            await reading


def test_so_many_jobs_are_refused():
    check_jobs(MAX_JOBS)
    with pytest.raises(InvalidCall, match="too many for one batch"):
        check_jobs(MAX_JOBS + 1)
