"""A batch of another queue than the one that is looked at: its slots stand where they stand."""

import asyncio

import pytest

from gatherq import Inspector, call

from ..conftest import until


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=f"{queue}:other") as inspector:
        yield inspector


async def statuses(inspector, batch, *filters):
    return [slot.status async for slot in inspector.slots(batch.id, *filters)]


async def test_what_no_worker_knows_is_queued(producer, start_worker, inspector):
    start_worker("--grace", "0.1")
    async with until(20):
        assert await producer.gather(call("echo", 1)) == [1]
        batch = await producer.submit([call("nobody", n) for n in range(3)])
        known = await producer.submit([call("echo", 1)])
        await known.outcomes()  # the worker has come past those that it does not know
        while await statuses(inspector, batch) != ["queued"] * 3:  # it may still give them back
            await asyncio.sleep(0.01)
    assert await statuses(inspector, batch, "status:queued") == ["queued"] * 3


async def test_what_runs_is_told_by_the_workers_there(producer, start_worker, inspector):
    start_worker("--grace", "0.1")
    async with until(20):
        batch = await producer.submit([call("sleep", 60)])
        while not (found := await inspector.running(batch.id)):
            await asyncio.sleep(0.01)
    assert [each.slot for each in found] == [0]
    assert await statuses(inspector, batch) == ["running"]
    await batch.cancel()
