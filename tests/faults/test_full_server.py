"""A server that is full, kept busy by a script, or that loads its data."""

import asyncio

from .harness.pool import Pool
from .harness.rows import row
from .jobs.notes import monotonic

#: Jobs that wait where the server is full: a million take minutes on two cores.
MANY = 200_000
#: Seconds of a script, or of loading.
AWAY = 5.0
#: Keeps the server busy for so many seconds of CPU.
BUSY = "local begun = os.clock() while os.clock() - begun < tonumber(ARGV[1]) do end"


async def used(pool: Pool) -> int:
    """Return the bytes that the server uses."""
    return int((await pool.redis.info("memory"))["used_memory"])


@row(
    "29",
    "the server is full, with many jobs queued",
    arq="to queue them takes most of the 45 s that it is given",
    longest=300,
    server={"appendonly": "no", "maxmemory-policy": "noeviction"},
)
async def test_a_full_server_drains(pool):
    """200,000 jobs are queued, and maxmemory is then set below what is used: each write of a client
    is refused. Workers come, and all jobs end; their outcomes stay."""
    jobs = await pool.submit([("give_back", (1,))] * MANY, executions=1)
    before = await used(pool)
    await pool.redis.config_set("maxmemory", before - 100_000)
    begun = monotonic()
    workers = [pool.worker() for _ in range(2)]
    await pool.outcomes(jobs, within=250)
    took = monotonic() - begun
    pool.all_are(jobs, "succeeded")
    pool.must(all(worker.is_alive for worker in workers), "a worker has ended")
    after = await used(pool)
    pool.must(after < 2 * before, f"{before:,} bytes were used before, and {after:,} after")
    pool.seen.append(
        f"drained in {took:.0f} s; {before / 1e6:.0f} MB were used by the jobs, "
        f"{after / 1e6:.0f} MB by their outcomes, which is above maxmemory"
    )
    await pool.redis.config_set("maxmemory", 0)


async def all_end(pool, running, waiting, submitting):
    """See that what ran meanwhile, and what was submitted meanwhile, ends soon."""
    async with pool.recovers(2, "what had ended was recorded, and what was submitted had ended,"):
        await waiting
        late = await submitting
        await pool.outcomes(late)
    pool.all_are(running, "succeeded")
    pool.all_are(late, "succeeded")


@row("29", "a script keeps the server busy for 5 s", server={"lua-time-limit": "100"})
async def test_a_busy_server_is_waited_for(pool):
    """Jobs of 1 s are under way when a script begins that takes 5 s, more are submitted meanwhile,
    and somebody waits: BUSY is the answer to all. What ended meanwhile is recorded afterwards."""
    await pool.start(2)
    running = await pool.submit([("nap", (1.0,))] * 20, executions=1)
    await pool.started(20)
    busy = asyncio.create_task(pool.redis.eval(BUSY, 0, AWAY))
    waiting = asyncio.create_task(pool.outcomes(running))
    await asyncio.sleep(0.5)  # it is to be busy for longer than its limit
    pool.must(not busy.done(), "the row is not one: the script has ended")
    submitting = asyncio.create_task(pool.submit([("nap", (0.0,))] * 5, executions=1))
    await busy
    await all_end(pool, running, waiting, submitting)


SLOW = {"key-load-delay": "1000", "loading-process-events-interval-bytes": "1024"}


@row("29", "the server loads its data for 5 s", server=SLOW)
async def test_a_loading_server_is_waited_for(pool):
    """Redis is killed with jobs of 1 s under way, and loads for 5 s once it is started again."""
    async with pool.redis.pipeline(transaction=False) as pipe:
        for number in range(int(AWAY * 1000)):
            pipe.set(f"arq:result:filler{number % 10}", "x", ex=600)
        await pipe.execute()
    await pool.start(2)
    running = await pool.submit([("nap", (1.0,))] * 20, executions=1)
    await pool.started(20)
    waiting = asyncio.create_task(pool.outcomes(running))
    begun = monotonic()
    restarting = asyncio.create_task(pool.server.restart())
    await asyncio.sleep(0.5)  # it is to load
    submitting = asyncio.create_task(pool.submit([("nap", (0.0,))] * 5, executions=1))
    await restarting
    pool.must(monotonic() - begun > AWAY / 2, "the row is not one: it has loaded at once")
    await all_end(pool, running, waiting, submitting)
