"""A full server refuses new jobs, and nothing else: what ends jobs may write all the same."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Release
from gatherq.store.parking import Admission
from gatherq.testing.server import embedded_server

from .steps import claim, contact, expired, record


@pytest.fixture
async def redis():
    """A server of its own: no other test is to meet its limit."""
    with embedded_server(maxmemory="0") as (url, _):
        async with Redis.from_url(url) as client:
            yield client


async def fill(redis):
    await redis.config_set("maxmemory", 1)
    with pytest.raises(RedisError, match="maxmemory"):
        await redis.set("x", "y")


async def test_all_that_ends_jobs_goes_on(redis, submit, asks, store, batch):
    await submit(30)
    attempts = (await claim(store(), 10)).attempts
    await fill(redis)
    assert (await store().renew(attempts)).lost == []
    assert (await store().record([record(a) for a in attempts[:5]])).replies == ["recorded"] * 5
    entry = b'{"attempt":1,"status":"failed"}'
    assert await store().release([Release(attempts[5], charge=True, entry=entry)]) == 1
    assert await store().release([Release(attempts[6])]) == 1
    assert len((await claim(store("w2"), 5)).attempts) == 5
    assert await asks.cancel(batch, [20, 21], "me") == 2
    await redis.delete("arq:job:" + f"{batch}:25")
    assert (await asks.mend(batch, [22, 23], -1)).ended == []
    await asks.extend(batch)
    assert await asks.cancel(batch, None, "me") == 23
    assert (await asks.sweep(batch, force=True)).ended == 0  # it notes that it has looked
    assert (await asks.counts(batch)).cancelled > 10
    assert await asks.remove(batch)


async def test_a_batch_that_has_ended_answers_who_cancels_it(redis, submit, asks, store, batch):
    await submit(2)
    await store().record([record(a) for a in (await claim(store())).attempts])
    await fill(redis)
    assert await asks.cancel(batch, None, "me") == 0
    assert await asks.cancel(batch, [0], "me") == 0


async def test_a_dead_workers_jobs_are_taken_over(redis, submit, store):
    await submit(1)
    (first,) = (await claim(store())).attempts
    await fill(redis)
    await expired(redis, first)
    since, last = await contact(store("w2"))
    (second,) = (await store("w2").claim(10, since, last)).jobs
    assert second.number == 2
    assert (await store("w2").record([record(second, "w2")])).replies == ["recorded"]


async def test_who_waits_nowhere_is_put_back(redis, submit, store, queue):
    await submit(3)
    mine, lane = store(), KeySpace(queue).lane("process")
    await mine.park([Admission(attempt, "process") for attempt in (await claim(mine)).attempts])
    await redis.delete(lane)
    await fill(redis)
    await mine.tend_lanes(["process"])
    assert len((await claim(mine)).attempts) == 3


async def test_who_serves_a_lane_leaves_it_as_it_is(redis, submit, store, queue):
    """Though it cannot tell others that it does."""
    await submit(3)
    mine, lane = store(), KeySpace(queue).lane("process")
    await mine.park([Admission(attempt, "process") for attempt in (await claim(mine)).attempts])
    await fill(redis)
    await mine.tend_lanes(["process"])
    assert await redis.zcard(lane) == 3


async def test_where_all_writes_are_refused_a_claim_that_finds_nothing_is_answered(redis, store):
    """So its worker waits, as with any empty queue."""
    await redis.config_set("min-replicas-to-write", 1)
    with pytest.raises(RedisError, match="replicas"):
        await redis.delete("x")
    assert (await claim(store())).attempts == []


async def test_a_submission_is_refused_and_leaves_nothing(redis, submit):
    await fill(redis)
    with pytest.raises(RedisError, match="maxmemory"):
        await submit(3)
    assert await redis.dbsize() == 0


async def test_a_submission_that_is_there_is_confirmed(redis, asks, batch):
    """Its reply was lost."""
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(3)]
    await asks.submit(batch, 3, 3600, 0, jobs, digests=digests(jobs))
    await redis.delete(asks.keys.wake)  # a worker has taken it
    await fill(redis)
    assert (await asks.submit(batch, 3, 3600, 0, jobs, digests=digests(jobs))).differs == -1


async def test_a_claim_that_finds_nothing_is_a_sign_of_life_all_the_same(redis, store, queue):
    mine = store()
    await mine.renew([])
    await redis.zadd(KeySpace(queue).workers, {"w1": 1})
    await fill(redis)
    now = (await claim(mine)).now
    assert await redis.zscore(KeySpace(queue).workers, "w1") == now
