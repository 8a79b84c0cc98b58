"""Cancellation of what does not run just now: its retry waits, or the pool is full."""

import asyncio
import time

import pytest

from gatherq import call

from ..conftest import lines_of, until
from ..verbs import awaited_in_group, gather, group, handle, mapped
from .waiting import again_later


async def local_gather(producer, job):
    await asyncio.gather(await producer.submit_one(job), asyncio.sleep(0))


async def waited_for(producer, job):
    await asyncio.wait_for(await producer.submit_one(job), 30)


async def batch(producer, job):
    """End as the others do, by `cancel()` of the batch."""
    submitted = await producer.submit([job])
    try:
        await submitted.outcomes()
    except asyncio.CancelledError:
        await submitted.cancel()
        assert [outcome.status for outcome in await submitted.outcomes()] == ["cancelled"]
        raise


VERBS = [handle, gather, group, awaited_in_group, mapped, local_gather, waited_for, batch]


async def cancelled(waiting):
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_while_a_retry_waits(producer, start_worker, tmp_path, queue):
    start_worker(module="waiting")
    async with until(40):
        for verb in VERBS:
            path = tmp_path / verb.__name__
            waiting = asyncio.create_task(verb(producer, again_later.call(str(path))))
            await lines_of(path, 1)
            soon = (time.time() + 60) * 1000
            while await producer.redis.zcount(queue, soon, "+inf") == 0:
                await asyncio.sleep(0.01)  # until it is given back
            await cancelled(waiting)
            assert await producer.redis.zcard(queue) == 0, verb
            (line,) = await lines_of(path, 1)
            assert line.endswith(" tried 1")


async def test_behind_a_full_pool(producer, start_worker, tmp_path, queue):
    start_worker("--concurrency", "1")
    async with until(40):
        for verb in VERBS:
            held, behind = tmp_path / f"held-{verb.__name__}", tmp_path / f"behind-{verb.__name__}"
            first = await producer.submit_one(call("linger", str(held)))
            await lines_of(held, 1)
            before = await producer.redis.zcard(queue)
            waiting = asyncio.create_task(verb(producer, call("linger", str(behind))))
            while await producer.redis.zcard(queue) == before:
                await asyncio.sleep(0.01)  # until it is in the queue
            await cancelled(waiting)
            assert not first.done()
            first.cancel()
            assert await producer.gather(call("echo", 1)) == [1]
            assert not behind.exists(), verb
