"""One producer over several loops, threads and processes, and after its end."""

import asyncio
import gc
import os
import sys
import threading
import warnings
from pathlib import Path

import pytest

from gatherq import Producer, call
from gatherq.errors import GatherqError, ProducerClosed, ProducerElsewhere
from gatherq.store.server.pools import sockets

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


@pytest.mark.parametrize("how", ["prefork", "fork", "spawn", "forkserver", "pool"])
async def test_a_program_that_makes_its_producer_before_its_processes(
    server_url, queue, start_worker, how
):
    start_worker()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "preload.py", how),
        cwd=Path(__file__).parent,
        env={**os.environ, "GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue},
        stderr=asyncio.subprocess.PIPE,
    )
    async with until(40):
        _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert said == b""


EACH_ITS_LOOP = """
import jobs
import pytest
from gatherq import Producer

producer = Producer()


@pytest.mark.parametrize("n", range(3))
async def test_one(n):
    assert await producer.gather(jobs.echo.call(n), jobs.echo.call(n)) == [n, n]


@pytest.fixture
async def batch():
    return await producer.submit([jobs.echo.call(1)])


async def test_two(batch):
    assert [outcome.unwrap() for outcome in await batch.outcomes()] == [1]
"""


async def test_tests_with_a_loop_each_share_a_producer(tmp_path, server_url, queue, start_worker):
    start_worker()
    (tmp_path / "test_theirs.py").write_text(EACH_ITS_LOOP)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode=auto\n"
        "asyncio_default_fixture_loop_scope=function\nfilterwarnings=error\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_theirs.py"),
        cwd=tmp_path,
        env={
            **os.environ,
            "GATHERQ_REDIS_URL": server_url,
            "GATHERQ_QUEUE": queue,
            "PYTHONPATH": str(Path(__file__).parent),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    async with until(40):
        said, _ = await process.communicate()
    assert b"4 passed" in said, said.decode()
    assert b"warning" not in said


async def double(ctx, value):
    return 2 * value


@pytest.mark.arq
async def test_two_workers_in_one_loop_and_another_in_a_thread(server_url, queue):
    from arq.connections import RedisSettings

    from gatherq_worker.arq.worker import Worker

    settings = RedisSettings.from_dsn(server_url)

    def worker(name):
        return Worker(
            [double], redis_settings=settings, queue_name=name, handle_signals=False, lease=1.0
        )

    async def beside():
        own = worker(f"{queue}.2")
        running = asyncio.create_task(own.async_run())
        async with Producer(server_url, queue=f"{queue}.2") as producer, until(20):
            found = await producer.gather(*(call("double", n) for n in range(20)))
        await own.close()
        await asyncio.wait([running])
        return found

    first, second = worker(queue), worker(queue)
    runs = [asyncio.create_task(each.async_run()) for each in (first, second)]
    in_thread = asyncio.create_task(asyncio.to_thread(asyncio.run, beside()))
    async with until(20), Producer(server_url, queue=queue) as producer:
        batch = await producer.submit([call("double", n) for n in range(200)])
        outcomes = await batch.outcomes()
        assert [outcome.unwrap() for outcome in outcomes] == [2 * n for n in range(200)]
        assert await in_thread == [2 * n for n in range(20)]
        await first.close()  # the other goes on
        assert await producer.gather(call("double", 1)) == [2]
    await second.close()
    await asyncio.wait(runs)
    assert {outcome.attempt for outcome in outcomes} == {1}
