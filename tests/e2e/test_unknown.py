"""Rolling deployments: workers that do not know a job yet leave it to those that do."""

import asyncio
import time

import pytest

from gatherq import Cancelled, Failed, TimedOut, call

from ..conftest import until
from . import jobs


@pytest.fixture
async def old(producer, start_worker, capfd):
    """Start workers that run already."""

    async def start(*options, count=1):
        for _ in range(count):
            start_worker(*options)
        async with until(20):
            assert await producer.gather(jobs.echo.call(1)) == [1]

    return start


async def test_a_new_job_waits_for_a_worker_that_knows_it(producer, start_worker, old, capfd):
    await old(count=2)
    async with until(30):
        calls = [call("newly", 0), jobs.echo.call(1), call("newly", 2), jobs.echo.call(3)]
        batch = await producer.submit(calls)
        handles = batch.handles()
        assert [await handles[1], await handles[3]] == [1, 3]  # not kept waiting
        assert not handles[0].done()
        start_worker(module="later")
        outcomes = await batch.outcomes()
    assert [outcome.unwrap() for outcome in outcomes] == [0, 1, 2, 3]
    assert {outcome.attempt for outcome in outcomes} == {1}
    said = capfd.readouterr().err
    assert said.count("no job named 'newly' here") in (1, 2)  # once a worker that met it


async def test_a_worker_that_knows_it_gets_it_soon(producer, start_worker, old):
    await old()
    start_worker(module="later")
    async with until(30):
        await producer.gather(call("newly", 0))  # both run
        began = time.monotonic()
        for n in range(5):
            assert await producer.gather(call("newly", n)) == [n]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("seconds", [0, 1])
async def test_after_its_time_it_fails_and_says_what_was_meant(producer, old, seconds):
    await old("--unknown-for", str(seconds), count=2)
    began = time.monotonic()
    async with until(20):
        batch = await producer.submit([call("ecko", 1), call("éclair"), call("x.y")])
        outcomes = await batch.outcomes()
    assert time.monotonic() - began >= seconds
    assert {type(outcome) for outcome in outcomes} == {Failed}
    assert {outcome.error.type for outcome in outcomes} == {"UnknownJob"}
    assert "did you mean 'echo'?" in outcomes[0].error.message
    assert {outcome.attempt for outcome in outcomes} == {1}


async def test_limits_and_cancellations_hold_meanwhile(producer, old):
    await old()
    async with until(20):
        waits = await producer.submit([call("newly", 1)], queue_timeout=0.5)
        ends = await producer.submit([call("newly", 1)], deadline=0.5)
        goes = await producer.submit([call("newly", 1)])
        (waited,), (ended,) = await asyncio.gather(waits.outcomes(), ends.outcomes())
        await goes.cancel()
        (gone,) = await goes.outcomes()
    assert isinstance(waited, TimedOut)
    assert waited.which == "queue"
    assert isinstance(ended, TimedOut)
    assert ended.which == "batch"
    assert isinstance(gone, Cancelled)


@pytest.mark.long
async def test_many_of_them_keep_nobody_waiting(producer, start_worker, old):
    await old(count=2)
    async with until(60):
        many = await producer.submit([call("newly", n) for n in range(1000)])
        before = (await producer.redis.info("stats"))["total_commands_processed"]
        began = time.monotonic()
        assert await producer.gather(*map(jobs.echo.call, range(50))) == list(range(50))
        assert time.monotonic() - began < 10
        after = (await producer.redis.info("stats"))["total_commands_processed"]
        assert after - before < 20_000
        start_worker(module="later")
        outcomes = await many.outcomes()
    assert [outcome.unwrap() for outcome in outcomes] == list(range(1000))
