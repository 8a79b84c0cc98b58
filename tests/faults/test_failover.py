"""A master that dies, or that is a replica from one moment to the next."""

from contextlib import asynccontextmanager

from tests.servers import replica_of, sentinels, server

from .harness.pool import LEASE
from .harness.rows import row

#: Seconds after the sentinels have agreed in which the pool is at work again.
SOON = LEASE + 1


@asynccontextmanager
async def watched(pool):
    """Three sentinels over a master and its replica, and two workers that ask them."""
    async with server() as master, replica_of(master) as replica, sentinels(master) as watch:
        await pool.ask_sentinels(watch.url)
        await pool.start(2)
        yield master, replica, watch
        await pool.settle()


async def ended_in_redis(pool, ids):
    """Count the outcomes that Redis has."""
    return sum(each is not None for each in await pool.redis.mget([f"arq:result:{i}" for i in ids]))


@row("9", "Sentinel fails over to a replica")
async def test_a_failover(pool):
    """SIGKILL of the master in a batch of 2,000 jobs, with three sentinels that look each 0.5 s.
    What the replica had not got is claimed again: a job may run once more for that."""
    async with watched(pool) as (master, _, watch):
        jobs = await pool.submit([("nap", (0.2,))] * 2000, executions=3)
        await pool.started(800)
        ended = await ended_in_redis(pool, jobs.ids)
        async with pool.recorder.looking_away():
            await master.kill()
            await watch.switched()
        lost = max(0, ended - await ended_in_redis(pool, jobs.ids))
        pool.seen.append(f"of {ended} outcomes that were seen before, {lost} were lost")
        async with pool.recovers(SOON, "jobs began again"):
            await pool.started(len(pool.ledger.lines()) + 1)
        await pool.outcomes(jobs)
        pool.all_are(jobs, "succeeded")


@row("9", "the master becomes a replica in place")
async def test_a_demotion(pool):
    """`SENTINEL FAILOVER` in a batch of 2,000 jobs. What was the master takes claims until it is
    told, beside the new one: a job may run once more for that."""
    async with watched(pool) as (master, _, watch):
        jobs = await pool.submit([("nap", (0.2,))] * 2000, executions=3)
        await pool.started(800)
        async with pool.recorder.looking_away():
            await watch.failover()
            await master.logged("sync: Finished with success")  # it follows the new one
        async with pool.recovers(SOON, "jobs began again"):
            await pool.started(len(pool.ledger.lines()) + 1)
        await pool.outcomes(jobs)
        pool.all_are(jobs, "succeeded")
