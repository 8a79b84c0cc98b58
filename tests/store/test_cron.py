"""Runs of scheduled jobs on a real server: each is queued once."""

from dataclasses import replace

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.cron import CronRun, CronStore


@pytest.fixture
def crons(redis, queue):
    return CronStore(redis, KeySpace(queue))


@pytest.fixture
def run(batch):
    """A run that no other test has."""
    return CronRun(f"cron:{batch}:1000", f"cron:{batch}:1000", b'{"f":"tidy"}', 1000, 60_000)


async def test_the_time_is_that_of_the_server(redis, crons):
    before, _ = await redis.time()
    now = await crons.now()
    after, _ = await redis.time()
    assert before * 1000 <= now < (after + 1) * 1000


async def test_a_run_is_queued_once_and_wakes_a_worker(redis, crons, queue, run):
    keys = KeySpace(queue)
    assert await crons.enqueue(run)
    assert await redis.zrange(queue, 0, -1, withscores=True) == [(run.job_id.encode(), 1000.0)]
    assert await redis.get(keys.job(run.job_id)) == run.job
    assert 0 < await redis.pttl(keys.job(run.job_id)) <= run.keep
    assert 0 < await redis.pttl(keys.tick(run.run)) <= 3_600_000
    assert await redis.llen(keys.wake) == 1
    assert not await crons.enqueue(run)
    await redis.delete(queue, keys.job(run.job_id))  # it has run
    assert not await crons.enqueue(run)
    assert not await redis.exists(queue)


@pytest.mark.parametrize("key", ["job", "result"])
async def test_a_job_of_that_id_is_in_the_way(redis, crons, queue, run, key):
    await redis.set(getattr(KeySpace(queue), key)(run.job_id), "{}", ex=60)
    assert not await crons.enqueue(run)
    assert not await crons.enqueue(replace(run, keep=1))
    assert not await redis.exists(queue)


async def test_junk_in_its_keys_is_no_run_and_stops_none(redis, crons, queue, run):
    keys = KeySpace(queue)
    await redis.rpush(queue, "junk")
    await redis.set(keys.wake, "junk")
    assert await crons.enqueue(run)
    assert await redis.zrange(queue, 0, -1) == [run.job_id.encode()]
