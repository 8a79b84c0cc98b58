"""One producer over several loops, threads and processes, and after its end."""

import asyncio
import gc
import os
import threading
import warnings

import pytest

from gatherq import Producer
from gatherq.connection import sockets
from gatherq.errors import GatherqError, ProducerClosed, ProducerElsewhere

from ..conftest import until
from . import jobs


async def ask(producer, value):
    async with until(20):
        assert await producer.gather(jobs.echo.call(value)) == [value]
        handle = await producer.submit_one(jobs.echo.call(value))
        assert await handle == value
        async with producer.task_group() as group:
            member = group.create_task(jobs.echo.call(value))
        assert member.result() == value


@pytest.fixture
def shared(server_url, queue):
    return Producer(server_url, queue=queue)


def test_runs_one_after_another_share_a_producer(shared, start_worker):
    start_worker()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(ask(shared, 1))
        asyncio.run(ask(shared, 2))
        with asyncio.Runner() as runner:
            runner.run(ask(shared, 3))
            runner.run(ask(shared, 4))
        asyncio.run(shared.aclose())
        gc.collect()
    with pytest.raises(ProducerClosed):
        asyncio.run(ask(shared, 5))


async def test_another_loop_is_told_to_make_its_own(shared, start_worker):
    start_worker()
    await ask(shared, 1)
    batch = await shared.submit([jobs.echo.call(1)])
    told = []
    verbs = [*verbs_of(shared), batch.outcomes, batch.cancel, batch.wait]

    async def elsewhere():
        for verb in verbs:
            with pytest.raises(ProducerElsewhere, match="make one for each loop") as raised:
                async with until(5):
                    await verb()
            told.append(raised.value)
        with pytest.raises(ProducerElsewhere):
            await shared.aclose()

    await asyncio.to_thread(asyncio.run, elsewhere())
    assert len(told) == len(verbs)
    assert all(isinstance(error, GatherqError) for error in told)
    await ask(shared, 2)
    await shared.aclose()


def test_threads_with_producers_of_their_own(server_url, queue, start_worker):
    start_worker()
    done = []

    async def own(n):
        async with Producer(server_url, queue=queue) as producer:
            await ask(producer, n)
        done.append(n)

    threads = [threading.Thread(target=lambda n=n: asyncio.run(own(n))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1, 2]


def verbs_of(producer):
    async def group():
        async with producer.task_group() as group:
            group.create_task(jobs.echo.call(1))

    async def mapped():
        async for _ in producer.map(jobs.echo, [1]):
            pass

    return [
        lambda: producer.submit([jobs.echo.call(1)]),
        lambda: producer.submit_one(jobs.echo.call(1)),
        lambda: producer.gather(jobs.echo.call(1)),
        lambda: producer.batch("x"),
        producer.__aenter__,
        group,
        mapped,
    ]


async def test_after_its_end_every_verb_says_so_at_once(shared, start_worker):
    start_worker()
    async with shared:
        batch = await shared.submit([jobs.echo.call(1), jobs.echo.call(2)])
        await batch.outcomes()
        handle, other = batch.handles()
    await shared.aclose()

    async def read():
        async for _ in batch.as_completed():
            pass

    of_batch = [batch.outcomes, batch.wait, batch.cancel, batch.redrive, batch.delete]
    of_batch += [batch.counts, batch.detach, read]
    for verb in [*verbs_of(shared), *of_batch, lambda: _result(handle), lambda: _result(other)]:
        with pytest.raises(ProducerClosed, match="this producer is closed"):
            async with until(5):
                await verb()
    with pytest.raises(ProducerClosed):
        async with shared:
            pass
    assert not list(sockets(shared.redis.connection_pool))


async def _result(handle):
    return await handle


def in_a_child(work):
    """Do it in a forked process; return its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: there are none of ours
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            asyncio.run(work)
            code = 0
        finally:
            os._exit(code)
    work.close()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("alive", [False, True], ids=["between runs", "within one"])
def test_a_forked_process_begins_anew(shared, start_worker, alive):
    start_worker()
    runner = asyncio.Runner()
    runner.run(ask(shared, 1))
    mine = set(sockets(shared.redis.connection_pool))
    assert mine
    if not alive:
        runner.close()
    assert in_a_child(ask(shared, 2)) == 0
    assert in_a_child(shared.aclose()) == 0
    if not alive:
        runner = asyncio.Runner()
    runner.run(ask(shared, 3))
    if alive:  # over its own connections
        assert mine <= set(sockets(shared.redis.connection_pool))
    runner.run(shared.aclose())
    runner.close()
