"""Statistics, as `Inspector` reads them from a real server, written by its own MessagePack."""

import pytest

from gatherq import Inspector
from gatherq.contract.keys import KeySpace
from gatherq.contract.statistics import BUCKETS

ADD = """
local numbers = {}
for n = 3, #ARGV do numbers[n - 2] = tonumber(ARGV[n]) end
redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack(numbers))
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


@pytest.fixture
def count(redis):
    """Count so many as succeeded, in the bucket up to a second."""

    async def count(key, job, succeeded):
        run = [succeeded if n == 9 else 0 for n in range(BUCKETS)]
        vector = [succeeded, 0, 0, 0, 0, 0, succeeded * 900, 0, *run, *run]
        await redis.eval(ADD, 1, key, job, 60, *vector)

    return count


async def test_totals_are_those_of_jobs(inspector, count, queue):
    await count(KeySpace(queue).totals, "fetch", 100_000)
    (job,) = await inspector.jobs()
    assert (job.name, job.workers, job.statistics.succeeded) == ("fetch", (), 100_000)
    assert job.statistics.run_ms == 90_000_000
    assert job.statistics.quantile(1.0) == 1.0


async def test_minutes_and_hours(inspector, count, queue):
    keys = KeySpace(queue)
    minute = int(await inspector.now() // 60_000)
    for ago, succeeded in ((0, 1), (1, 2), (59, 4), (600, 8)):
        await count(keys.statistics(str(minute - ago)), "fetch", succeeded)
    await count(keys.statistics(f"h{minute // 60 - 20}"), "fetch", 16)
    found = await inspector.statistics(3600)
    assert {period.seconds for period in found} == {60}
    assert sum(period.statistics.ended for period in found) in (7, 3)  # a minute may have begun
    hours = await inspector.statistics(86_400)
    assert {period.seconds for period in hours} == {3600}
    assert len(hours) == 25
    assert sum(period.statistics.ended for period in hours) == 31
    pool = await inspector.pool()
    assert pool.queue.rate > 0
    assert pool.late.succeeded in (3, 2)
    day = await inspector.statistics(30 * 86_400, by="minute")
    assert {period.seconds for period in day} == {60}
    assert len(day) == 24 * 60 + 1
    assert sum(period.statistics.ended for period in day) == 15
    assert len(await inspector.statistics(3600, by="hour")) == 2


async def test_junk_and_other_types_count_as_nothing(inspector, redis, queue):
    keys = KeySpace(queue)
    minute = int(await inspector.now() // 60_000)
    await redis.set(keys.totals, "x", ex=60)
    await redis.hset(keys.statistics(str(minute)), "fetch", "junk")
    await redis.expire(keys.statistics(str(minute)), 60)
    assert await inspector.jobs() == []
    assert sum(period.statistics.ended for period in await inspector.statistics(60)) == 0
    assert (await inspector.queue_info()).rate is None
