"""Jobs that do not end when their time is over: they block, hold the interpreter, or resist."""

import pytest

from .harness.pool import Pool
from .harness.rows import row

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
