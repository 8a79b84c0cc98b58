"""Connections that are cut, that swallow everything, that lose a reply, and that are slow."""

import asyncio

import pytest

from .harness.pool import LEASE, SOON, Pool
from .harness.rows import row
from .test_redis_away import never_lost

#: What is lost in a row: the reply to a step of ours, or to what arq sends in its place.
STEPS = {
    "submit": ("batch/submit", b"PSETEX"),
    "claim": ("job/claim_jobs", b"PSETEX"),
    "finish": ("job/record_outcomes", b"arq:result:"),
}


@row("7", "all connections are reset, over and over")
async def test_connections_are_reset(pool):
    """All connections of both workers are reset 12 times, every 0.25 s, in 300 jobs of 0.3 s."""
    proxy = await pool.proxy()
    await pool.start(2, url=proxy.url)
    jobs = await pool.submit([("nap", (0.3,)), ("once", (0.3,))] * 150, executions=1)
    await pool.started(20)
    for _ in range(12):
        proxy.cut()
        await asyncio.sleep(0.25)
    new = await pool.submit([("nap", (0.0,))] * 4, executions=1)
    async with pool.recovers(SOON, "new jobs had ended"):
        await pool.recorded(new)
    await pool.outcomes(jobs)
    never_lost(pool, jobs, outages=12)


@row("7", "the network swallows everything")
async def test_a_black_hole(pool):
    """For 2.5 leases nothing that the workers send arrives, and no connection is closed. The 12
    jobs that run end meanwhile."""
    proxy = await pool.proxy()
    await pool.start(2, url=proxy.url)
    jobs = await pool.submit([("nap", (1.0,)), ("once", (1.0,))] * 6, executions=1)
    await pool.started(12)
    proxy.swallow()
    asleep = asyncio.create_task(asyncio.sleep(2.5 * LEASE))
    async with pool.recovers(LEASE + 1, "both workers had noticed"):
        for n, worker in enumerate(pool.workers):
            said = await worker.says("Redis fails to|(?i:timed? ?out|connection)", 2 * LEASE)
            pool.must(said, f"worker {n} has not noticed")
    await asleep
    proxy.heal()
    async with pool.recovers(LEASE + 1, "all 12 outcomes were recorded"):
        await pool.recorded(jobs)
    await pool.outcomes(jobs)
    never_lost(pool, jobs)


@row("7", "the network swallows all of one worker")
async def test_a_black_hole_of_one(pool):
    """The same for one of two workers: the other takes its jobs of 1.5 s over. What it has made
    meanwhile comes too late and is refused."""
    proxy = await pool.proxy()
    first, second = pool.worker(url=proxy.url), pool.worker()
    await pool.ready()
    jobs = await pool.submit([("nap", (1.5,))] * 120)
    await pool.started(120)
    proxy.swallow()
    held = pool.held_by(first)
    async with pool.recovers(LEASE + 1, f"all {held} jobs started elsewhere"):
        await pool.started(120 + held)
    await pool.outcomes(jobs)
    proxy.heal()
    if pool.is_ours:
        refused = await first.says("outcome refused", LEASE + 1)
        pool.must(refused, "what came too late is not refused")
    pool.all_are(jobs, "succeeded")
    pool.must(held, "the row is not one: the worker had no jobs")
    again = {line.pid for line in pool.ledger.lines() if line.attempt == 2}
    pool.must(again == {second.pid}, "the worker took back what it had lost")


@row("7", "replies are lost after Redis has done it", quick=True)
@pytest.mark.parametrize("step", [*STEPS])
async def test_a_reply_is_lost(pool, step):
    """Two replies of this kind are lost, with their connections, in 900 jobs of 0.02 s and 20 of
    1.5 s; whoever asked asks again."""
    await lose_replies(pool, STEPS[step][not pool.is_ours], by_producer=step == "submit")


@row("7", "replies to renewals of leases are lost", arq="arq has no leases to renew")
async def test_a_renewal_is_lost(pool):
    """The same with two replies to renewals."""
    await lose_replies(pool, "job/renew_claims")


async def lose_replies(pool: Pool, step: str | bytes, *, by_producer: bool = False) -> None:
    proxy = await pool.proxy()
    if by_producer:
        await pool.start(2)
        pool.side.url = proxy.url
    else:
        await pool.start(2, url=proxy.url)
    proxy.lose(step, 2)
    calls = [("once", (0.02,))] * 900 + [("nap", (1.5,))] * 20
    async with pool.recovers(None, "all had ended"):
        jobs = await pool.submit(calls, executions=1)
        await pool.outcomes(jobs)
    pool.must(proxy.lost == 2, f"the row is not one: {proxy.lost} replies were lost")
    never_lost(pool, jobs)


@row("8", "the network is slow")
async def test_a_slow_network(pool):
    """All that workers and producer send and hear comes 200 ms late, in each direction. A third
    worker, which is not slow, would take over what expires. Jobs of two leases, of a producer with
    a lease, and of 0.1 s."""
    proxy = await pool.proxy()
    proxy.delay = 0.2
    await pool.start(2, url=proxy.url)
    if pool.is_ours:  # arq writes and begins each job by itself, which takes minutes
        pool.side.url = proxy.url
    many = 30 if pool.is_ours else 5
    long = await pool.submit([("nap", (2 * LEASE,))] * many, executions=1, lease=2.0)
    short = await pool.submit([("once", (0.1,))] * many * 10, executions=1)
    await pool.started(many)
    await pool.start(1)
    await pool.outcomes(short)
    await pool.outcomes(long)
    never_lost(pool, short, long)
    begun = {line.pid for line in pool.ledger.lines()}
    pool.must(begun >= {w.pid for w in pool.workers[:2]}, "a slow worker has begun nothing")
    proxy.delay = 0.0
