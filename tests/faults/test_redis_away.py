"""A Redis that is away, stands still, or refuses what it is asked."""

import asyncio
import re
import signal
from contextlib import suppress

import pytest
from redis.exceptions import RedisError

from gatherq.errors import RedisUnavailable

from .harness.pool import LEASE, SOON, Pool, Submission
from .harness.rows import row

#: Seconds within which a job that has ended is to be recorded, once Redis is back.
RECORDED = 1.0


async def all_recorded(pool: Pool, jobs: Submission) -> None:
    """See that what ended meanwhile is recorded, and that each job ran once."""
    async with pool.recovers(RECORDED, "all 12 outcomes were recorded"):
        await pool.recorded(jobs)
    await pool.outcomes(jobs)
    never_lost(pool, jobs)


def never_lost(pool: Pool, *submissions: Submission, outages: int = 3) -> None:
    """All jobs succeeded at their first attempt, and nobody filled its log with that."""
    for n, worker in enumerate(pool.workers):
        lines = worker.said().count(" WARNING ")
        pool.must(lines <= 5 * outages, f"worker {n} has logged {lines} warnings")
    for jobs in submissions:
        pool.all_are(jobs, "succeeded")
        again = [each.id for each in jobs.endings if each.attempts > 1 or each.history]
        pool.must(not again, f"taken for abandoned: {len(again)}, as {again[:1]}")


async def refused(pool: Pool, cause: str) -> None:
    """A producer that submits now is told the cause within its patience."""
    if not pool.is_ours:
        return
    producer = pool.ours.producer(patience=1)
    async with pool.recovers(2 * SOON, "a submission was refused"):
        try:
            await pool.side.submit([("nap", (0.0,))], by=producer)
        except RedisUnavailable as error:
            pool.must(re.search(cause, str(error)), f"I6: a submission is told {str(error)!r}")
        else:
            pool.must(False, "a submission is not refused")


async def loud(pool: Pool, cause: str) -> None:
    """Each worker says what is wrong, as a warning, and lives."""
    if pool.is_ours:
        for n, worker in enumerate(pool.workers):
            said = await worker.says(rf"WARNING [^\n]*Redis[^\n]*{cause}", 15.0)
            pool.must(said, f"worker {n} does not say: {cause}")
    pool.check_workers()


@row("4", "Redis is started again over the end of jobs", quick=True)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
async def test_redis_is_started_again(pool, how):
    """Redis (append-only file, written at once) is ended while 12 jobs run, which end meanwhile;
    it is started again."""
    await pool.start(2)
    jobs = await pool.submit([("nap", (1.0,))] * 8 + [("once", (1.0,))] * 4, executions=1)
    await pool.started(12)
    pool.server.kill(how)
    await pool.ended(12, within=3.0)
    await pool.server.start()
    await all_recorded(pool, jobs)


@row("5", "Redis is away for two leases during long jobs")
async def test_redis_is_away_for_two_leases(pool):
    """Redis is killed and comes back after two leases. Jobs run before, through and after that;
    some are of a producer with a lease of 3 s, of some a deadline passes meanwhile."""
    await pool.start(2)
    long = await pool.submit([("nap", (2 * LEASE + 0.8,))] * 10, executions=1)
    leased = await pool.submit([("nap", (2 * LEASE + 0.8,))] * 4, executions=1, lease=3.0)
    dated = await pool.submit([("nap", (1.5,))] * 4, executions=1, deadline=3.0)
    await pool.started(18)
    await pool.server.restart(away=2 * LEASE)
    async with pool.recovers(RECORDED, "what had ended meanwhile was recorded"):
        await pool.recorded(dated)
    for jobs in (long, leased, dated):
        await pool.outcomes(jobs)
    never_lost(pool, long, leased, dated)


@row("6", "Redis stands still for 5 s")
async def test_redis_stands_still(pool):
    """SIGSTOP of Redis for 5 s, 2.5 leases, while jobs of 1 s and of 6 s run."""
    await pool.start(2)
    short = await pool.submit([("nap", (1.0,)), ("once", (1.0,))] * 5, executions=1)
    through = 6.0 if pool.is_ours else 4.8  # with arq a job has 5 s
    long = await pool.submit([("nap", (through,))] * 5, executions=1)
    await pool.started(15)
    await pool.server.pause(5.0)
    async with pool.recovers(RECORDED, "what had ended meanwhile was recorded"):
        await pool.recorded(short)
    for jobs in (short, long):
        await pool.outcomes(jobs)
    never_lost(pool, short, long)


@row("10", "Redis's memory is full")
async def test_memory_is_full(pool):
    """maxmemory (noeviction) is reached while 12 jobs run. They are recorded all the same; who
    submits is told; it is raised again."""
    await pool.start(2)
    jobs = await pool.submit([("nap", (1.0,))] * 12, executions=1)
    await pool.started(12)
    await pool.redis.config_set("maxmemory", 1)
    await refused(pool, "its memory is full: raise maxmemory")
    await pool.ended(12)
    async with pool.recovers(RECORDED, "all 12 outcomes were recorded, memory being full"):
        await pool.recorded(jobs)
    pool.check_workers()
    await pool.redis.config_set("maxmemory", 0)
    await pool.outcomes(jobs)
    never_lost(pool, jobs)


@row("10", "Redis cannot write to its disk", server={"save": "3600 1"})
async def test_errors_of_the_disk(pool):
    """Redis cannot save, and refuses all writes (MISCONF) while 12 jobs run and end. Workers and
    who submits say so; then it can save again."""
    await pool.start(2)
    jobs = await pool.submit([("nap", (1.0,))] * 12, executions=1)
    await pool.started(12)
    in_the_way = pool.folder / "server" / "dump.rdb"
    in_the_way.unlink(missing_ok=True)
    (in_the_way / "x").mkdir(parents=True)
    await saved(pool, "err")
    await refused(pool, "it cannot write to its disk")
    await loud(pool, "MISCONF")
    await pool.ended(12)
    await asyncio.sleep(1.5 * LEASE)  # nobody can renew, and what only reads is answered
    (in_the_way / "x").rmdir()
    in_the_way.rmdir()
    await saved(pool, "ok")
    await all_recorded(pool, jobs)


async def saved(pool: Pool, how: str) -> None:
    """Have Redis save its data, and wait until that has ended so."""
    while True:
        with suppress(RedisError):  # it is saving
            await pool.redis.bgsave()
        if (await pool.redis.info("persistence"))["rdb_last_bgsave_status"] == how:
            return
        await asyncio.sleep(0.02)


@row("10", "Redis has no room for connections")
async def test_too_many_clients(pool):
    """maxclients is 1, and all connections are cut while 12 jobs run and end; one more worker is
    started. All workers and who submits say so; then there is room again."""
    await pool.start(2)
    jobs = await pool.submit([("nap", (1.0,))] * 12, executions=1)
    await pool.started(12)
    await pool.redis.config_set("maxclients", 1)
    await pool.redis.client_kill_filter(_type="normal", skipme=True)
    pool.worker()
    await refused(pool, "maxclients")
    await loud(pool, "max number of clients")
    await pool.ended(12)
    await pool.redis.config_set("maxclients", 1000)
    await all_recorded(pool, jobs)
    await pool.ready()


@row("10", "the password of Redis is changed")
async def test_a_wrong_password(pool):
    """Redis gets a password, and all connections are cut while 12 jobs run and end. Workers and who
    submits say so; a worker that starts now ends at once, in one line. Then the password goes."""
    await pool.start(2)
    jobs = await pool.submit([("nap", (1.0,))] * 12, executions=1)
    await pool.started(12)
    await pool.redis.config_set("requirepass", "secret")
    await pool.redis.client_kill_filter(_type="normal", skipme=True)
    await refused(pool, "check user and password")
    await loud(pool, "(?i:auth)")
    late = pool.worker()
    late.is_excused = True  # decision 5: what nobody but an operator can mend ends it
    async with pool.recovers(None, "a worker that started then had ended"):
        said = await late.says("check user and password", 8.0) if pool.is_ours else True
        await asyncio.to_thread(late.process.wait, 8)
    pool.must(said, "a worker that starts does not say: check user and password")
    pool.must(late.said().count("\n") <= 2, f"it says more than a line: {late.said()}")
    await pool.ended(12)
    await pool.redis.config_set("requirepass", "")
    await all_recorded(pool, jobs)


@row("10", "workers and a producer are up before Redis")
async def test_up_before_redis(pool):
    """Two workers are started, and a batch is submitted, while there is no Redis; then there is."""
    pool.server.kill()
    for _ in range(2):
        pool.worker()
    submitting = asyncio.create_task(pool.submit([("nap", (0.1,))] * 12, executions=1))
    await loud(pool, "(?i:connect|refused)")
    await pool.server.start()
    async with pool.recovers(SOON, "all jobs had begun"):
        jobs = await submitting
        await pool.started(12)
    await pool.outcomes(jobs)
    never_lost(pool, jobs)
    await pool.ready()
