"""SCRIPT FLUSH and FLUSHALL, by whoever thinks that nobody needs that data."""

import asyncio

import pytest

from gatherq.errors import BatchNotFound

from .harness.pool import SOON, Pool
from .harness.rows import row
from .test_redis_away import never_lost


@row("11", "the script cache is flushed in a loop", arq="arq sends no scripts")
async def test_scripts_are_flushed(pool):
    """SCRIPT FLUSH as often as Redis takes it, while 600 jobs of 0.05 s are submitted, run, are
    cancelled in part, and are collected. Nobody notices: no error, and no line in a log."""
    await pool.start(2)
    flushing = asyncio.create_task(flush_scripts(pool))
    jobs = await pool.submit([("nap", (0.05,))] * 600, executions=1)
    others = await pool.submit([("nap", (30.0,))] * 300, executions=1)
    await pool.started(1, others.ids[0])
    await others.submitted.cancel()
    await pool.outcomes(others)
    await pool.outcomes(jobs)
    flushing.cancel()
    missed = (await pool.redis.info("errorstats")).get("errorstat_NOSCRIPT", {}).get("count", 0)
    pool.seen.append(f"{missed} steps were not known, and were sent again")
    pool.must(missed > 10, f"the row is not one: {missed} steps were not known")
    never_lost(pool, jobs)
    pool.all_are(others, "cancelled")
    loud = [line for w in pool.workers for line in w.said().splitlines() if " WARNING " in line]
    pool.must(not loud, f"a worker has noticed: {loud[:1]}")


async def flush_scripts(pool: Pool) -> None:
    while True:
        await pool.redis.script_flush()
        await asyncio.sleep(0.001)


@row("12", "FLUSHALL in the middle of a batch", arq="arq has no batches to be gone")
async def test_all_is_flushed(pool):
    """FLUSHALL while 200 jobs of 0 to 2 s run and 100 wait, and somebody collects. Who collects is
    told; what ends later leaves nothing in Redis."""
    await pool.start(2, "--lease", "8")  # or a heartbeat would stop them soon
    jobs = await pool.submit([("nap", (n / 100,)) for n in range(200)] + [("nap", (60.0,))] * 100)
    pool.submissions.remove(jobs)  # it has no outcomes to be checked
    collecting = asyncio.create_task(jobs.submitted.outcomes())
    await pool.started(100)
    async with pool.recorder.looking_away():
        await pool.redis.flushall()
    before = len(pool.ledger.lines("end"))
    async with pool.recovers(SOON, "who collects was told"):
        with pytest.raises(BatchNotFound, match="Redis was flushed"):
            await collecting
    await asyncio.sleep(8 / 4)  # until a heartbeat has told every worker
    late, begun = len(pool.ledger.lines("end")) - before, len(pool.ledger.lines())
    pool.seen.append(f"{late} jobs ended in that time")
    pool.must(late, "the row is not one: nothing ended late")
    await pool.take_a_new_job()  # what had ended before has been handed over to Redis
    batch = jobs.submitted.id
    left = [key.decode() async for key in pool.redis.scan_iter(f"*{batch}*")]
    pool.must(not left, f"a late end has written {sorted(left)[:3]}")
    more = [line.id for line in pool.ledger.lines()[begun:] if line.id.startswith(batch)]
    pool.must(not more, f"more of its jobs began after that: {more[:1]}")


@row("12", "FLUSHALL, and the same id again")
async def test_the_same_id_after_a_flush(pool):
    """FLUSHALL while 40 jobs of 0.1 to 0.9 s run, and other jobs are submitted under the same ids
    at once, before those end. Their outcomes are their own."""
    await pool.start(2, "--lease", "8")  # or a heartbeat would stop them soon
    old = await pool.submit([("nap", (0.1 + n / 50,)) for n in range(40)], batch_id="again")
    await pool.started(40)
    pool.submissions.remove(old)
    async with pool.recorder.looking_away():
        await pool.redis.flushall()
    new = await pool.submit([("nap", (2.5,))] * 40, batch_id="again")
    await pool.outcomes(new)
    pool.all_are(new, "succeeded")
    foreign = [each.id for each in new.endings if each.value != 2.5]
    pool.must(not foreign, f"they have the outcomes of others: {foreign[:3]}")
