"""Workers inside of the test: what they tell comes back; arq's own are told apart from nobody."""

import asyncio
import contextlib

import arq.worker
import pytest
from arq.connections import RedisSettings

import gatherq_worker
from gatherq.client.collection import worker_check
from gatherq.contract.keys import KeySpace

from ..conftest import until
from . import jobs


@pytest.fixture
async def run(server_url, queue):
    """Run a worker of some class until the end of the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def run(kind, functions):
            server = RedisSettings.from_dsn(server_url)
            options = {"queue_name": queue, "handle_signals": False, "poll_delay": 0.01}
            worker = kind(functions, redis_settings=server, **options)
            task = asyncio.create_task(worker.async_run())
            stack.push_async_callback(_end, worker, task)

        yield run


async def _end(worker, task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await worker.close()


async def test_what_was_flushed_comes_back(producer, queue, run, monkeypatch):
    monkeypatch.setattr("gatherq_worker.engine.heartbeat.ANNOUNCE_AGAIN", 0.05)
    redis, keys = producer.redis, KeySpace(queue)
    async with until(20):
        await run(gatherq_worker.Worker, [jobs.echo])
        while not (workers := await redis.zrange(keys.workers, 0, -1)):
            await asyncio.sleep(0.01)
        record = keys.worker(workers[0].decode())
        begun = set()
        for _ in range(2):
            while not await redis.hexists(record, "handlers"):
                await asyncio.sleep(0.01)
            begun.add(await redis.hget(record, "started"))
            await redis.delete(record, keys.queues)
        while await redis.zscore(keys.queues, queue) is None:
            await asyncio.sleep(0.01)
    assert len(begun) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what redis-py 5 has renamed
async def test_arqs_own_worker_is_told_apart_from_nobody(producer, queue, run, monkeypatch, caplog):
    monkeypatch.setattr(worker_check, "SILENCE", 0.2)

    async def ping(ctx):
        return "pong"

    async with until(20):
        await run(arq.worker.Worker, [ping])
        while not await producer.redis.exists(f"{queue}:health-check"):
            await asyncio.sleep(0.01)
        reading = asyncio.create_task((await producer.submit([jobs.sleep.call(1)])).outcomes())
        while not (said := [r.getMessage() for r in caplog.records if r.name == "gatherq"]):
            await asyncio.sleep(0.01)
        reading.cancel()
    assert said[0].startswith(f"no gatherq worker is on queue '{queue}' of {producer.url}, so ")
    assert f"{queue}:health-check says that an arq worker is or was there" in said[0]
