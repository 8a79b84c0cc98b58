"""The handles of one batch, over fakeredis."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq import call
from gatherq.client.batch import Batch
from gatherq.client.submission import Submission
from gatherq.contract.batch_options import BatchOptions
from gatherq.errors import ProducerClosed, RedisUnavailable
from tests.conftest import until


@pytest.fixture
async def batch(session):
    submission = Submission(session, [call("f", n) for n in range(3)], None, None, None)
    await submission.write(BatchOptions(), 60.0, 0.0)
    return Batch(session, submission.batch_id, 3)


async def test_handles_are_settled_as_jobs_end(batch, end):
    handles = batch.handles()
    async with until(5):
        await end(batch.id, 1)
        assert await handles[1] == 1
        assert not handles[0].done()
        await end(batch.id, 0, 2)
        assert await asyncio.gather(*handles) == [0, 1, 2]


async def test_the_handles_of_a_batch_are_the_same_each_time(batch):
    assert all(one is other for one, other in zip(batch.handles(), batch.handles(), strict=True))


async def test_wait_knows_at_once_what_has_ended(batch, end):
    await end(batch.id, 2)
    async with until(5):
        done, pending = await batch.wait(timeout=0)
    assert [handle.slot for handle in done] == [2]
    assert len(pending) == 2


async def test_cancellations_of_one_turn_are_sent_together(batch, store, monkeypatch):
    sent, cancel = [], store.cancel

    async def counted(batch, slots, *args):
        sent.append(list(slots))
        return await cancel(batch, slots, *args)

    monkeypatch.setattr(store, "cancel", counted)
    handles = batch.handles()
    for _ in range(2):
        for handle in handles[:2]:
            handle.cancel()
    async with until(5):
        await asyncio.wait(handles[:2])
    assert sent == [[0, 1]]
    assert not handles[2].done()


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancellation_is_sent_that_comes_as_the_last_one_ends(
    batch, store, monkeypatch, turns
):
    sent, answered, cancel = [], asyncio.Event(), store.cancel

    async def counted(batch, slots, *args):
        sent.extend(slots)
        reply = await cancel(batch, slots, *args)
        answered.set()
        return reply

    monkeypatch.setattr(store, "cancel", counted)
    handles = batch.handles()
    handles[0].cancel()
    async with until(5):
        await answered.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        handles[1].cancel()
        await asyncio.wait(handles[:2])
    assert sent == [0, 1]


async def test_with_redis_away_handles_fail_and_new_ones_can_be_had(batch, store, end, monkeypatch):
    async def away(*args):
        raise RedisConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(store.completions, "watch", away)
        failed = batch.handles()
        async with until(5):
            errors = await asyncio.gather(*failed, return_exceptions=True)
    assert [type(error) for error in errors] == [RedisUnavailable] * 3
    await end(batch.id, 0, 1, 2)
    async with until(5):
        assert await asyncio.gather(*batch.handles()) == [0, 1, 2]


async def test_handles_end_with_their_producer(batch, session):
    waiting = asyncio.create_task(batch.handles()[0].outcome())
    await asyncio.sleep(0)
    async with until(5):
        await session.aclose()
        with pytest.raises(ProducerClosed):
            await waiting
