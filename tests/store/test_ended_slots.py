"""An outcome stays, though something has put its slot into the queue again."""

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.outside import PARKED
from gatherq.store.parking import LaneRoom

from .outcomes import failed, succeeded
from .steps import claim, expired, record

keys = KeySpace()
OF_ANOTHER = b'{"worker":"w","t":1,"id":"another:0","status":"failed"}'


@pytest.fixture
async def three(redis, submit, store):
    """Three slots: one that has succeeded, one that has failed, and one that runs."""
    await submit(3)
    good, bad, running = (await claim(store())).attempts
    await store().record([succeeded(good), failed(bad)])
    return good, bad, running


async def stored(redis, *attempts):
    """What Redis has of outcomes."""
    counts = await redis.hmget(keys.batch(attempts[0].batch), "succeeded", "failed", "running")
    return [*await redis.mget([keys.result(each.job_id) for each in attempts]), *counts]


@pytest.mark.parametrize("score", [1, 1.25, 1.5], ids=["held", "queued", "retried"])
async def test_an_ended_slot_in_the_queue_is_claimed_by_nobody(redis, three, store, queue, score):
    good, bad, _ = three
    before = await stored(redis, good, bad)
    await redis.zadd(queue, {good.job_id: score, bad.job_id: score})
    assert (await claim(store("w2"))).attempts == []
    assert await stored(redis, good, bad) == before
    assert await redis.zcard(queue) == 1  # the one that runs


@pytest.mark.parametrize("by", ["cancel", "cancel of slots", "sweep", "deadline", "lane"])
async def test_an_ended_slot_in_the_queue_is_ended_by_nobody(
    redis, three, store, asks, queue, batch, by
):
    good, bad, running = three
    before = await stored(redis, good, bad)
    await redis.zadd(queue, {good.job_id: 1.25, bad.job_id: 1.25})
    if by == "cancel of slots":
        assert await asks.cancel(batch, [0, 1], "me") == 0
    elif by == "cancel":
        await asks.cancel(batch, None, "me")
        assert (await asks.sweep(batch, force=True)).ended == 0
    else:
        now = (await store().claim(0, 0, 0)).now
        await redis.hset(keys.batch(batch), mapping={"deadline": now - 1, "limit": 1})
        if by == "sweep":
            assert (await asks.sweep(batch, force=True)).ended == 0
        elif by == "lane":
            await redis.zadd(queue, dict.fromkeys([good.job_id, bad.job_id], PARKED))
            await redis.zadd(KeySpace(queue).lane("thread"), {good.job_id: 1, bad.job_id: 2})
            full = [LaneRoom("thread", 0, "threads", 0)]
            assert (await store().claim(5, now - 60_000, now, lanes=full)).jobs == []
        else:
            assert (await claim(store("w2"))).attempts == []
    assert await stored(redis, good, bad) == before
    assert await redis.zrange(queue, 0, -1) == [running.job_id.encode()]


async def test_the_data_of_one_that_failed_serves_its_redrive(redis, three, store, asks, queue):
    _, bad, _ = three
    await redis.zadd(queue, {bad.job_id: 1.25})
    assert (await claim(store("w2"))).attempts == []
    await asks.run_again(bad.batch)
    assert [a.slot for a in (await claim(store("w2"))).attempts] == [1]


async def test_an_outcome_is_recorded_where_there_is_none_alone(redis, three, store):
    """An old copy of the keys of its claim may have been put back."""
    good, _, running = three
    there = await redis.get(keys.result(good.job_id))
    there = there.replace(good.job_id.encode(), running.job_id.encode()).replace(b"w1", b"w9", 1)
    await redis.set(keys.result(running.job_id), there)
    before = await stored(redis, running)
    assert (await store().record([failed(running)])).replies == ["refused"]
    assert await stored(redis, running) == before


@pytest.mark.parametrize("junk", [b"", b"x", OF_ANOTHER])
async def test_what_is_no_outcome_of_it_gives_way(redis, submit, store, batch, junk):
    await submit(2)
    first, second = (await claim(store())).attempts
    for each in (first, second):
        await redis.set(keys.result(each.job_id), junk)
    assert (await store().record([record(first)])).replies == ["recorded"]
    await expired(redis, second)
    (again,) = (await claim(store("w2"))).attempts
    assert (await store("w2").record([record(again)])).replies == ["recorded"]
    assert await redis.hget(keys.batch(batch), "succeeded") == b"2"


async def test_a_batch_that_is_admitted_anew_runs_each_slot_once(redis, submit, store, batch):
    await submit(500)
    done = []
    while len(done) < 500:
        found = (await claim(store(), 50)).attempts
        replies = (await store().record([succeeded(each) for each in found])).replies
        assert replies == ["recorded"] * len(found)
        done += [each.slot for each in found]
        if len(done) == 100:
            await redis.hset(keys.batch(batch), "admitted", 0)
    assert sorted(done) == list(range(500))
    assert await redis.hget(keys.batch(batch), "succeeded") == b"500"
