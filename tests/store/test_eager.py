"""With a task factory that starts tasks at once, all is as without it."""

import asyncio
from contextlib import aclosing

import pytest

from gatherq import call
from gatherq.store.batches import BatchStore

from ..conftest import until
from ..eager import eager_task_factory
from .worker import serve

N = 8


@pytest.fixture(autouse=True)
async def eager():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(eager_task_factory)
    begun = []

    async def begin():
        begun.append(True)

    task = asyncio.create_task(begin())
    assert begun, "the factory is not eager"
    await task
    yield
    loop.set_task_factory(None)


@pytest.fixture
async def work(store):
    tasks = []
    yield lambda jobs: tasks.append(asyncio.create_task(serve(store(), jobs)))
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def test_calls_one_by_one(producer, work):
    async with until(10):
        first = await producer.submit_one(call("f", 0))
        others = [asyncio.create_task(producer.submit_one(call("f", n))) for n in range(1, N)]
        handles = [first, *await asyncio.gather(*others)]
        assert len({handle.id.partition(":")[0] for handle in handles[1:]}) == 1  # one batch
        work(N)
        assert await asyncio.gather(*handles) == list(range(N))


async def test_calls_that_come_while_others_are_written(producer, work):
    async def one(n):
        for _ in range(n % 4):
            await asyncio.sleep(0)
        return await (await producer.submit_one(call("f", n)))

    async with until(10):
        work(4 * N)
        tasks = [asyncio.create_task(one(n)) for n in range(4 * N)]
        assert await asyncio.gather(*tasks) == list(range(4 * N))


async def test_a_task_group(producer, work):
    async with until(10):
        work(N)
        async with producer.task_group() as group:
            handles = [group.create_task(call("f", n)) for n in range(N)]
        assert [handle.result() for handle in handles] == list(range(N))


async def test_a_group_that_is_not_entered_or_is_left_writes_nothing(producer, redis, queue):
    group = producer.task_group()
    with pytest.raises(RuntimeError):
        group.create_task(call("f", 1))
    async with group:
        pass
    with pytest.raises(RuntimeError):
        group.create_task(call("f", 1))
    await producer.submit([])
    assert await redis.zcard(queue) == 0


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_map(producer, work, ordered):
    async with until(10):
        work(3 * N)
        calls = producer.map(lambda n: call("f", n), range(3 * N), window=N, ordered=ordered)
        async with aclosing(calls) as outcomes:
            found = [(outcome.slot, outcome.value) async for outcome in outcomes]
    assert sorted(found) == [(n, n) for n in range(3 * N)]


async def test_one_handle_that_is_cancelled_cancels_one_job(producer, work):
    async with until(10):
        handles = (await producer.submit([call("f", n) for n in range(N)])).handles()
        assert handles[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await handles[2]
        work(N - 1)
        rest = [handle for handle in handles if handle is not handles[2]]
        assert await asyncio.gather(*rest) == [n for n in range(N) if n != 2]


async def test_many_cancellations_of_a_turn_are_few_calls(producer, work, monkeypatch):
    async with until(10):
        batch = await producer.submit([call("f", n) for n in range(N)])
        handles = batch.handles()
        sent, cancel = [], BatchStore.cancel

        async def counted(store, batch, slots, *args):
            sent.append(slots)
            return await cancel(store, batch, slots, *args)

        monkeypatch.setattr(BatchStore, "cancel", counted)
        for _ in range(20):
            for handle in handles[1:]:
                handle.cancel()
        await asyncio.wait(handles[1:])
        assert sent == [list(range(1, N))]
        work(1)
        assert await handles[0] == 0


async def test_gather_in_a_task_that_is_cancelled(producer, redis, queue):
    async with until(10):
        gathering = asyncio.create_task(producer.gather(*(call("f", n) for n in range(N))))
        while await redis.zcard(queue) < N:
            await asyncio.sleep(0)
        gathering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathering
        assert await redis.zcard(queue) == 0
