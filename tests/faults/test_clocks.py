"""Times of day that are an hour off, or jump."""

import asyncio
import json
import shutil
import subprocess
import time
from pathlib import Path

from .harness.pool import LEASE, SOON, Pool, Submission
from .harness.rows import row
from .test_redis_away import never_lost

HOUR = 3600


def clock(how: str = "FAKETIME", what: str = "+0s") -> dict[str, str]:
    """Return variables of a process with another time of day; what it waits for stays true."""
    assert shutil.which("faketime"), "there is no faketime: apt-get install faketime"
    command = ["faketime", "-m", "-f", "+0s", "printenv", "LD_PRELOAD"]
    library = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    monotonic = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    return {"LD_PRELOAD": library, how: what, "FAKETIME_NO_CACHE": "1", **monotonic}


def set_clock(file: Path, shift: str) -> None:
    """Let the processes that read this file have another time, in one step."""
    new = file.with_suffix(".new")
    new.write_text(f"{shift}\n")
    new.replace(file)


async def shifts(pool: Pool) -> set[int]:
    """Ask all workers for the time; return by how many hours they are off."""
    found, asked = set(), set()
    for _ in range(100 if pool.is_ours else 10):
        if asked >= {worker.pid for worker in pool.workers}:
            break
        jobs = await pool.submit([("tell_time", ())], executions=1)
        (ending,) = await pool.outcomes(jobs)
        if ending.value is None:
            return found
        found.add(round((ending.value - time.time()) / HOUR))
        asked |= {line.pid for line in pool.ledger.lines("start", jobs.ids[0])}
    return found


async def all_begin(pool: Pool, jobs: Submission) -> None:
    """Wait until each of these jobs has begun."""
    while not pool.ledger.executions().keys() >= set(jobs.ids):
        await asyncio.sleep(0.01)


@row("13", "the clocks of workers are an hour off")
async def test_clocks_of_workers(pool):
    """One worker is an hour ahead, one an hour behind. Jobs of 3 s with deadlines; then the one
    that is behind is killed, with jobs of 1.5 s under way."""
    for shift in ("+1h", "-1h"):
        pool.worker(environment=clock(what=shift))
    await pool.ready()
    seen = await shifts(pool)
    pool.must(
        seen == {1, -1} or not pool.is_ours, f"the row is not one: they are off by {seen} hours"
    )
    terms = {"deadline": 20.0, "queue_timeout": 10.0, "timeout": 10.0, "lease": 3.0}
    long = await pool.submit([("nap", (3.0,))] * 20, executions=1, **terms)
    async with pool.recovers(SOON, "jobs that are to wait for 1 s had begun"):
        later = await pool.submit([("nap", (0.0,))] * 4, executions=1, delay=1.0)
        await pool.started(1, later.ids[0])
    await pool.outcomes(long)
    await pool.outcomes(later)
    never_lost(pool, long, later)
    jobs = await pool.submit([("nap", (1.5,))] * 120)
    await all_begin(pool, jobs)
    victim = pool.workers[1]
    victim.stop()
    held, before = pool.held_by(victim), len(pool.ledger.lines())
    victim.kill()
    async with pool.recovers(LEASE + 1, f"all {held} jobs started elsewhere"):
        await pool.started(before + held)
    await pool.outcomes(jobs)
    pool.all_are(jobs, "succeeded")


@row("13", "the clocks of producers are an hour off")
async def test_clocks_of_producers(pool):
    """Two producers submit 20 jobs of 0.2 s each, with a deadline and a lease; one of them is an
    hour ahead, one an hour behind."""
    await pool.start(2)
    calls = [("nap", (0.2,))] * 20
    terms = {"deadline": 20.0, "queue_timeout": 10.0, "lease": 3.0} if pool.is_ours else {}
    for n, shift in enumerate(("+1h", "-1h")):
        producer = pool.producing(
            calls, environment=clock(what=shift), batch_id=f"off-{n}", **terms
        )
        await producer.says(r"\n")
        async with pool.recovers(SOON, "all had ended"):
            jobs = await pool.adopt(calls, json.loads(producer.said().split("\n")[0]), executions=1)
            await pool.outcomes(jobs)
        never_lost(pool, jobs)
        if pool.is_ours:
            collected = await producer.says(r"(\n.*){20}\n", SOON)
            pool.must(collected, f"the producer has not collected: {producer.said()[-300:]}")


@row("13", "the clocks of workers jump in the middle of jobs")
async def test_clocks_that_jump(pool):
    """The clocks of both workers jump ahead by an hour, then back by two, in jobs of 3 s, of which
    some have a timeout of 1 s."""
    file = pool.folder / "clock"
    set_clock(file, "+0s")
    for _ in range(2):
        pool.worker(environment=clock("FAKETIME_TIMESTAMP_FILE", str(file)))
    await pool.ready()
    terms = {"deadline": 20.0, "queue_timeout": 10.0, "timeout": 10.0, "lease": 3.0}
    long = await pool.submit([("nap", (3.0,))] * 20, executions=1, **terms)
    late = await pool.submit([("swallow", (3.0,))] * 10, executions=1)
    await pool.started(30)
    async with pool.recovers(2.0, "jobs with a timeout of 1 s had ended"):
        for jump in ("+1h", "-1h"):
            await asyncio.sleep(0.3)
            set_clock(file, jump)
        await pool.recorded(late)
    seen = await shifts(pool)
    pool.must(
        seen == {-1} or not pool.is_ours, f"the row is not one: the workers are off by {seen} hours"
    )
    await pool.outcomes(late)
    await pool.outcomes(long)
    never_lost(pool, long)
    pool.all_are(late, "timed_out", r"1(\.0)?\b|TimeoutError")


async def with_a_clock(pool: Pool) -> Path:
    """Start the server again, with a time of day of its own, and workers; return its file."""
    file = pool.folder / "clock"
    set_clock(file, "+0s")
    words = clock("FAKETIME_TIMESTAMP_FILE", str(file))
    pool.server.before = ["env", *(f"{name}={value}" for name, value in words.items())]
    await pool.server.restart()
    await pool.start(2)
    return file


@row("13", "the clock of the server jumps ahead")
async def test_clock_of_the_server_ahead(pool):
    """The clock of the server jumps ahead by an hour, in jobs of 2.5 s, of which some wait. Nobody
    is charged: leases are over at once, and who would take them over was not in contact for one."""
    file = await with_a_clock(pool)
    jobs = await pool.submit([("nap", (2.5,))] * 150, executions=1)
    await pool.started(100)
    set_clock(file, "+1h")
    async with pool.recovers(2 * 2.5 + SOON, "all had ended"):
        await pool.outcomes(jobs)
    seconds, _ = await pool.redis.time()
    pool.must(seconds - time.time() > HOUR / 2, "the row is not one: the server has no other time")
    never_lost(pool, jobs)


@row("13", "the clock of the server is set back", arq="it asks Redis for no time")
async def test_clock_of_the_server_back(pool):
    """The clock of the server is set back by 5 s, in jobs of 1 s. What is queued waits for these
    5 s, which is said where the clock of the server is believed; what comes later does not."""
    file = await with_a_clock(pool)
    jobs = await pool.submit([("nap", (1.0,))] * 400, executions=1)
    await pool.started(100)
    set_clock(file, "-5s")
    later = await pool.submit([("nap", (0.0,))] * 4, executions=1)
    async with pool.recovers(1.0 + SOON, "what came later had ended"):
        await pool.outcomes(later)
    async with pool.recovers(5.0 + 4.0 + SOON, "what was queued had ended"):
        await pool.outcomes(jobs)
    never_lost(pool, jobs, later)
