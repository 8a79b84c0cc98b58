"""Producers that submit the same, that die on the way, and that die as they collect."""

import asyncio
import json

from .harness.pool import Pool
from .harness.producing import plain
from .harness.rows import row
from .test_redis_away import never_lost

#: Longest life of a key of a batch, in ms: nine eighths of a day, and a little.
LONGEST = 86_400_000 * 9 / 8 + 1000


@row("14", "two producers submit the same batch id at once")
async def test_two_producers(pool):
    """The same 1,500 jobs of 0.02 s are submitted twice under the same id, by two producers at the
    same time, which both collect all."""
    await pool.start(2)
    producers = [pool.ours.producer() for _ in range(2)] if pool.is_ours else [None, None]
    calls = [("nap", (0.02,))] * 1500
    first, second = await asyncio.gather(
        *(pool.submit(calls, by=each, batch_id="same", executions=1) for each in producers)
    )
    await asyncio.gather(pool.outcomes(first), pool.outcomes(second))
    never_lost(pool, first, second)
    pool.must(first.endings == second.endings, "they have collected different outcomes")


@row("15", "a producer is killed as it submits, then the same is submitted again")
async def test_a_submission_goes_on(pool):
    """SIGKILL of a producer that has written a part of 2,000 jobs, which are under way by then;
    another one submits the same under the same id."""
    await pool.start(2)
    calls = [("give_back", (n,)) for n in range(2000)]
    await killed_as_it_submits(pool, calls, batch_id="resumed")
    if pool.is_ours:
        await all_expire(pool, "resumed")
    jobs = await pool.submit(calls, batch_id="resumed", executions=1)
    await pool.outcomes(jobs)
    never_lost(pool, jobs)
    pool.must([each.value for each in jobs.endings] == [*range(2000)], "values are not theirs")


@row("15", "a producer is killed as it submits, and nobody goes on", arq="arq has no batches")
async def test_a_submission_that_nobody_resumes(pool):
    """The same without a batch id and with a patience of 1 s: nobody will know these jobs. What was
    written, 200 of it running, is cancelled 5 s after that, and all its keys expire."""
    await pool.start(2)
    calls = [("nap", (60.0,))] * 2000
    await killed_as_it_submits(pool, calls, patience=1.0)
    (batch,) = [key.decode()[14:] async for key in pool.redis.scan_iter("gatherq:batch:*")]
    written = int(await pool.redis.hget(f"gatherq:batch:{batch}", "written"))
    ids = [f"{batch}:{slot}" for slot in range(written)]
    async with pool.recovers(1 + 5 + 1, "all that was written had been cancelled"):
        while await pool.redis.exists(*(f"arq:result:{id_}" for id_ in ids)) < written:
            await asyncio.sleep(0.02)
    results = await pool.redis.mget([f"arq:result:{id_}" for id_ in ids])
    whose = {json.loads(each).get("by") for each in results}
    pool.must(whose == {"producer lost"}, f"cancelled by {whose}")
    await all_expire(pool, batch)


async def killed_as_it_submits(pool: Pool, calls: list, **terms) -> None:
    """Kill a producer when jobs that it has written have begun, and others are not written."""
    proxy = await pool.proxy()
    proxy.delay = 0.1
    producer = pool.producing(calls, url=proxy.url, **terms)
    await pool.started(100 if pool.is_ours else 5)
    producer.kill()
    pool.must(not producer.said(), "the row is not one: it had submitted all")


async def all_expire(pool: Pool, batch: str) -> None:
    """No key of a batch stays for ever."""
    async for key in pool.redis.scan_iter(f"*{batch}*"):
        left = await pool.redis.pttl(key)
        pool.must(0 < left <= LONGEST or left == -2, f"{key.decode()} has a TTL of {left} ms")


@row("16", "a producer is killed as it collects")
async def test_a_producer_dies_as_it_collects(pool):
    """SIGKILL of a producer that has read a third of 300 outcomes; another process attaches to the
    batch, and reads all of them, the same ones."""
    await pool.start(2)
    calls = [("nap", (0.5,)), ("fail", ("on purpose",)), ("give_back", ([1, "é"],))] * 100
    producer = pool.producing(calls)
    while len(lines := producer.said().split("\n")[:-1]) < 101:
        await asyncio.sleep(0.01)
    producer.kill()
    ids, *read = [json.loads(line) for line in lines]
    jobs = await pool.adopt(calls, ids, executions=1)
    found = [plain(each) for each in await pool.outcomes(jobs)]
    pool.must(found[: len(read)] == read, "it has read other outcomes")
    statuses = [each.status for each in jobs.endings]
    pool.must(statuses == ["succeeded", "failed", "succeeded"] * 100, "outcomes are not theirs")
    pool.seen.append(f"{len(read)} outcomes were read before, {len(found)} after")
