"""Cancellation across the wire, on real workers."""

import asyncio

from gatherq import Cancelled

from ..conftest import lines_of, until
from . import jobs


def calls(path, count):
    return [jobs.linger.call(str(path))] * count


async def test_what_runs_gets_cancelled_error_and_what_is_queued_never_runs(
    producer, start_worker, tmp_path
):
    path = tmp_path / "ledger"
    start_worker("--concurrency", "2")
    async with until(30):
        batch = await producer.submit(calls(path, 5))
        await lines_of(path, 2)
        assert await batch.cancel() == 5
        outcomes = await batch.outcomes()
        assert await batch.cancel() == 0
    assert all(isinstance(outcome, Cancelled) for outcome in outcomes)
    assert {outcome.by for outcome in outcomes} == {"producer"}
    assert [outcome.attempt for outcome in outcomes] == [1, 1, 0, 0, 0]
    assert sorted(await lines_of(path, 4)) == ["begun"] * 2 + ["cancelled"] * 2


async def test_one_slot_is_cancelled_by_id_from_elsewhere(producer, start_worker, tmp_path):
    path = tmp_path / "ledger"
    start_worker()
    async with until(30):
        batch = await producer.submit([*calls(path, 1), jobs.sleep.call(0.5)])
        await lines_of(path, 1)
        elsewhere = await producer.batch(batch.id)
        assert await elsewhere.cancel(0, by="operator") == 1
        first, second = await batch.outcomes()
    assert (first.by, second.value) == ("operator", 0.5)


async def test_a_cancel_that_no_worker_heard_comes_with_the_heartbeat(
    producer, start_worker, tmp_path, queue
):
    path = tmp_path / "ledger"
    start_worker()
    async with until(30):
        batch = await producer.submit(calls(path, 2))
        await lines_of(path, 2)
        # As cancel.lua leaves it, but for the message.
        await producer.redis.hset(f"gatherq:batch:{batch.id}", "cancelled_by", "producer")
        assert [outcome.by for outcome in await batch.outcomes()] == ["producer"] * 2


async def test_the_control_connection_comes_back(producer, start_worker, tmp_path, queue):
    path = tmp_path / "ledger"
    start_worker(lease=20.0)  # so that no heartbeat helps
    async with until(30):
        batch = await producer.submit(calls(path, 1))
        await lines_of(path, 1)
        channel = f"gatherq:control:{queue}"
        while await producer.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 0:
            await asyncio.sleep(0.01)
        while (await producer.redis.pubsub_numsub(channel))[0][1] == 0:
            await asyncio.sleep(0.01)
        await producer.redis.publish(channel, b"not JSON")
        await producer.redis.publish(channel, b'{"jobs": 3, "by": []}')
        await batch.cancel()
        async with asyncio.timeout(4):
            (outcome,) = await batch.outcomes()
    assert outcome.by == "producer"
