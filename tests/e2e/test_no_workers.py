"""Nobody is there to run what waits: said once, or raised, on the producer's side."""

import asyncio
import logging
import signal

import pytest

from gatherq import Cancelled, NoWorkers, Producer, call
from gatherq.client.collection import worker_check
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import JobStore

from ..conftest import until
from . import jobs


@pytest.fixture(autouse=True)
def _soon(monkeypatch, caplog):
    """Look at once, and often; wait for no ten seconds."""
    monkeypatch.setattr(worker_check, "SILENCE", 0.2)
    monkeypatch.setattr(worker_check, "LEAST_PAUSE", 0.05)
    monkeypatch.setattr(worker_check, "_PAUSES", (0.1, 0.1))
    caplog.set_level(logging.INFO, "gatherq")


@pytest.fixture
async def strict(server_url, queue):
    async with Producer(server_url, queue=queue, patience=5, no_workers="raise") as producer:
        yield producer


@pytest.fixture
def said(caplog):
    """Wait until the producer has said something of a level; return it."""

    async def said(level, count=1):
        while len(found := _of(caplog, level)) < count:
            await asyncio.sleep(0.01)
        return found

    return said


def _of(caplog, level):
    records = [r for r in caplog.records if r.name == "gatherq" and r.levelname == level]
    return [record.getMessage() for record in records]


@pytest.fixture
def announced(producer, queue):
    """Wait until one worker of the queue has told of itself; return its record."""

    async def announced():
        while len(found := await records(producer.redis, queue)) != 1:
            await asyncio.sleep(0.01)
        return found[0]

    return announced


async def records(redis, queue):
    """Return the records of the workers of a queue."""
    found = [
        await redis.hgetall(key)
        async for key in redis.scan_iter(KeySpace(queue).worker("*"), 10_000)
    ]
    return [each for each in found if each.get(b"queue") == queue.encode()]


@pytest.fixture
async def waiting(producer):
    """Gather in the background."""
    tasks = []

    def waiting(*calls):
        tasks.append(asyncio.create_task(producer.gather(*calls)))
        return tasks[-1]

    yield waiting
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_with_no_worker_it_says_what_to_do_and_later_that_one_came(
    producer, queue, start_worker, waiting, said, caplog
):
    async with until(30):
        gathered = waiting(jobs.echo.call(1), jobs.echo.call(2), jobs.sleep.call(1))
        (text,) = await said("WARNING")
        start_worker()
        assert await gathered == [1, 2, 1]
        assert await said("INFO") == [f"a worker is on queue '{queue}' of {producer.url} now"]
    begin = f"no worker is on queue '{queue}' of {producer.url}, so 3 jobs of batch "
    assert text.startswith(begin)
    assert f'wait: start one with "gatherq worker MODULE --queue {queue}"' in text
    assert len(_of(caplog, "WARNING")) == 1


async def test_a_worker_on_another_queue_is_named(server_url, queue, start_worker, said, announced):
    async with until(30):
        start_worker()
        await announced()
        async with Producer(server_url, queue=f"{queue}2") as elsewhere:
            batch = await elsewhere.submit([jobs.echo.call(1)])
            reading = asyncio.create_task(batch.outcomes())
            (text,) = await said("WARNING")
            reading.cancel()
    assert f"1 job of batch {batch.id} waits" in text
    assert "; queues with workers: " in text
    assert f"{queue} (1)" in text


async def test_a_misspelt_name_is_said_with_the_one_that_was_meant(
    producer, queue, start_worker, waiting, said, announced
):
    async with until(30):
        start_worker()
        record = await announced()
        waiting(*map(jobs.sleep.call, [60] * 5), call("ehco", 1), call("ehco", 2))
        (text,) = await said("WARNING")
    assert b'"echo"' in record[b"handlers"]
    begin = (
        f"no worker on queue '{queue}' of {producer.url} knows 'ehco' (did you mean 'echo'?), so"
    )
    assert text.startswith(f"{begin} 2 jobs of batch ")
    assert "wait; 1 worker runs: " in text


async def test_functions_of_arq_are_told_too(queue, start_worker, announced):
    async with until(30):
        start_worker(module="arq_settings.WorkerSettings")
        record = await announced()
    assert record[b"handlers"] == b'["ping","cron:tick"]'
    assert record[b"queue"] == queue.encode()


async def test_jobs_that_take_long_are_quiet(producer, start_worker, announced, caplog):
    async with until(30):
        start_worker("--concurrency", "1")
        await announced()
        assert await producer.gather(jobs.sleep.call(1), jobs.sleep.call(0)) == [1, 0]
    assert _of(caplog, "WARNING") == []


async def test_a_batch_that_was_attached_is_looked_after_too(
    server_url, queue, producer, start_worker, said, announced
):
    async with until(30):
        start_worker()
        await announced()
        batch = await producer.submit([call("ehco", 1)])
        async with Producer(server_url, queue="another") as other:
            reading = asyncio.create_task((await other.batch(batch.id)).outcomes())
            (text,) = await said("WARNING")
            reading.cancel()
    assert f"no worker on queue '{queue}'" in text
    assert "knows 'ehco' (did you mean 'echo'?), so 1 job of batch" in text


async def test_gather_raises_and_its_jobs_are_cancelled(strict, queue):
    async with until(20):
        with pytest.raises(NoWorkers, match="no worker is on queue") as caught:
            await strict.gather(jobs.echo.call(1), call("other"))
        error = caught.value
        outcomes = await (await strict.batch(error.batch_id)).outcomes()
    assert (error.queue, error.names) == (queue, ("echo", "other"))
    assert {type(outcome) for outcome in outcomes} == {Cancelled}


async def test_a_group_raises_and_all_its_jobs_are_cancelled(strict, start_worker, announced):
    async with until(30):
        start_worker()
        await announced()
        with pytest.raises(ExceptionGroup) as caught:
            await _group(strict, handles := [])
        assert {type(error) for error in caught.value.exceptions} == {NoWorkers}
        for handle in handles:
            batch = await strict.batch(handle.id.rpartition(":")[0])
            assert {type(outcome) for outcome in await batch.outcomes()} == {Cancelled}


async def _group(producer, handles):
    """Run a group of two batches; one has a job of a name that nobody knows."""
    async with producer.task_group() as group:
        handles += map(group.create_task, [call("ehco", 1), jobs.sleep.call(60)])
        await asyncio.sleep(0)
        handles.append(group.create_task(jobs.sleep.call(60)))


async def test_map_raises_and_its_jobs_are_cancelled(strict):
    async with until(20):
        with pytest.raises(NoWorkers) as caught:
            async for _ in strict.map(jobs.echo, range(5), window=3):
                pass
        outcomes = await (await strict.batch(caught.value.batch_id)).outcomes()
    assert [type(outcome) for outcome in outcomes] == [Cancelled] * 3


async def test_a_cancelled_gather_does_not_wait_for_a_worker_that_is_gone(strict, queue, caplog):
    gone = JobStore(strict.redis, KeySpace(queue), "gone", 60.0)
    async with until(20):
        gathered = asyncio.create_task(strict.gather(jobs.echo.call(1)))
        while not (await gone.claim(1, 0, 0)).jobs:
            await asyncio.sleep(0.001)
        gathered.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathered
    assert _of(caplog, "WARNING") == []


async def test_what_was_submitted_stays_and_every_reader_hears_it(strict, start_worker):
    async with until(30):
        batch = await strict.submit([jobs.echo.call(1)])
        with pytest.raises(NoWorkers):
            await batch.outcomes()
        with pytest.raises(NoWorkers):
            await batch.handles()[0]
        with pytest.raises(NoWorkers):
            async for _ in batch.as_completed():
                pass
        handle = await strict.submit_one(jobs.echo.call(2))
        with pytest.raises(NoWorkers):
            await handle
        start_worker()
        while (await batch.counts()).succeeded == 0:
            await asyncio.sleep(0.01)
        assert [outcome.unwrap() for outcome in await batch.outcomes()] == [1]
        again = await strict.batch(handle.id.rpartition(":")[0])
        assert [outcome.unwrap() for outcome in await again.outcomes()] == [2]


async def test_with_ignore_nothing_is_said(server_url, queue, caplog):
    async with Producer(server_url, queue=queue, no_workers="ignore") as producer:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(producer.gather(jobs.echo.call(1)), 1)
    assert _of(caplog, "WARNING") == []


async def test_the_variable_is_read(server_url, queue, monkeypatch):
    monkeypatch.setenv("GATHERQ_NO_WORKERS", "raise")
    async with until(20), Producer(server_url, queue=queue) as producer:
        with pytest.raises(NoWorkers):
            await producer.gather(jobs.echo.call(1))


async def test_a_dead_process_takes_its_record_along(producer, queue, start_worker, announced):
    async with until(40):
        start_worker()
        first = await announced()
        batch = await producer.submit([jobs.die.call()])  # twice, and then it is lost
        await batch.outcomes()
        while first in (found := await records(producer.redis, queue)) or len(found) != 1:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("options", [(), ("--processes", "0")])
async def test_a_worker_that_stops_takes_its_record_along(
    producer, queue, start_worker, announced, options
):
    async with until(30):
        process = start_worker(*options)
        await announced()
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait)
        assert await records(producer.redis, queue) == []
