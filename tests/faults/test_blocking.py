"""Jobs that do not end when their time is over: they block, hold the interpreter, or resist."""

import asyncio

import pytest

from .harness.pool import Pool
from .harness.rows import row
from .test_processes import busiest

ALONE = "arq runs jobs in its loop alone"
#: The timeout of all that blocks here, and what the matrix allows besides.
TIMEOUT, ROOM = 1.0, 1.0
BLOCKERS = {"sleep": (20.0,), "spin": (20.0,)}
#: Code that only the end of its process stops, or (in a thread, of the last) of nothing.
HOLDERS = {"backtrack": (), "hold": (), "resist": (20.0,)}


async def blocks(pool: Pool, name, words, siblings_run: int) -> None:
    """Run a job that blocks beside others in both workers; it times out in time, they end."""
    await pool.start(2, "harmful", "--processes", "1")
    calls = [("nap", (3.0,))] * 10
    if pool.is_ours:
        calls += [("nap_here_in_thread", (3.0,))] * 2
    others = await pool.spread(calls, executions=siblings_run)
    blocker = await pool.submit([(name, words)], executions=1)
    await pool.started(1, blocker.ids[0])
    async with pool.recovers(TIMEOUT + ROOM, f"{name} had timed out"):
        await pool.outcomes(blocker)
    pool.all_are(blocker, "timed_out")
    for each in others:
        await pool.outcomes(each)
        pool.all_are(each, "succeeded")
    charged = [end.id for each in others for end in each.endings if end.attempts != 1]
    pool.must(not charged, f"siblings are charged: {charged[:3]}")


def said(pool: Pool, text: str) -> bool:
    """Tell whether a worker has logged it."""
    return any(text in worker.said() for worker in pool.workers)


@pytest.mark.parametrize("name", list(BLOCKERS))
@row("18", "a job blocks the loop")
async def test_a_job_blocks_the_loop(pool, name):
    """It calls time.sleep, or runs Python code; timeout 1 s."""
    await blocks(pool, f"{name}_in_loop", BLOCKERS[name], siblings_run=1)
    pool.must(said(pool, "harm.py"), "no worker has logged where it stood")


@pytest.mark.parametrize("name", list(HOLDERS))
@row("18", "a job blocks the loop, and only the end of its process stops it")
async def test_a_job_holds_the_loop(pool, name):
    """An expression tries all ways, C code keeps the interpreter, or it resists; timeout 1 s.

    Its process is replaced, so the jobs beside it start again elsewhere, and are not charged.
    """
    await blocks(pool, f"{name}_in_loop", HOLDERS[name], siblings_run=2)
    pool.must(said(pool, "harm.py"), "no worker has logged where it stood")


@pytest.mark.parametrize("name", [*BLOCKERS, *HOLDERS])
@row("18", "a job blocks its thread", arq=ALONE)
async def test_a_job_blocks_its_thread(pool, name):
    """It sleeps, runs Python code, C code that keeps the interpreter, or resists; timeout 1 s."""
    words = {**BLOCKERS, **HOLDERS}[name]
    holds = name in ("backtrack", "hold")  # then its process is replaced
    await blocks(pool, f"{name}_in_thread", words, siblings_run=1 + holds)


@pytest.mark.parametrize("name", [*BLOCKERS, *HOLDERS])
@row("18", "a job blocks a process of its own", arq=ALONE)
async def test_a_job_blocks_its_process(pool, name):
    """It sleeps, runs Python code, C code that keeps the interpreter, or resists; timeout 1 s."""
    words = {**BLOCKERS, **HOLDERS}[name]
    await blocks(pool, f"{name}_in_process", words, siblings_run=1)


@row("19", "jobs swallow their cancellation, and return or go on", quick=True)
async def test_jobs_swallow_their_cancellation(pool):
    """On workers with room for 5 each, 10 jobs swallow it at 1 s: some return, others go on."""
    await pool.start(2, "--processes", "1", "--concurrency", "5")
    calls = [(name, (60.0,)) for name in ("swallow", "resist")] * 5
    swallowing = await pool.submit(calls, executions=1)
    await pool.started(10)
    async with pool.recovers(TIMEOUT + ROOM, "all had timed out"):
        await pool.outcomes(swallowing)
    pool.all_are(swallowing, "timed_out")
    async with pool.recovers(1.0, "others ran in their places"):
        others = await pool.submit([("nap", (0.1,))] * 10, executions=1)
        await pool.outcomes(others)
    pool.all_are(others, "succeeded")


@pytest.mark.parametrize("name", ["resist", "resist_in_thread"])
@row("19", "very many jobs go on though they are cancelled", arq="as with ten of them")
async def test_very_many_go_on(pool, name):
    """64 jobs swallow whatever is raised in them for 60 s; their timeout is 1 s."""
    await pool.start(2, "harmful", "--processes", "1")
    calls = [(name, (60.0,))] * 64
    going_on = await pool.submit(calls, executions=1)
    await pool.started(64)
    async with pool.recovers(TIMEOUT + ROOM, "all had timed out"):
        await pool.outcomes(going_on)
    pool.all_are(going_on, "timed_out")
    crowded, _ = busiest(pool)
    async with pool.recovers(4.0, "their process was replaced"):
        while set(crowded.pids()) & {line.pid for line in pool.ledger.lines()}:
            await asyncio.sleep(0.01)
    others = await pool.submit([("nap", (0.1,)), ("nap_here_in_thread", (0.1,))] * 20)
    async with pool.recovers(3.0, "others ran in their places"):
        await pool.outcomes(others)
    pool.all_are(others, "succeeded")
