"""Jobs that fork, or leave something behind when they end."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from .harness.rows import row

ALONE = "arq runs jobs in its loop alone"
FORKS = ["a fork that returns", "a fork that raises", "a fork that goes on"]
OTHERS = ["a child", "a thread", "a busy thread", "a timer that raises"]
IN_A_LOOP = ["a task that waits", "a task that spins", "a task that raises"]
IN_A_LOOP += ["a callback that sleeps", "a full executor"]


def runs(pid: int) -> bool:
    """Tell whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def leave(pool, name, kinds, executions=1, children=True):
    """Run a job of each kind beside others, then new ones; all have their own outcomes."""
    await pool.start(2, "harmful", "--processes", "1")
    others = await pool.spread([("nap", (1.5,))] * 10, executions=executions)
    leaving = await pool.submit([(name, (what,)) for what in kinds], executions=executions)
    await pool.outcomes(leaving)
    pool.all_are(leaving, "succeeded")
    pids = [each.value for each in leaving.endings if each.value]
    pool.must(-1 not in pids, "the value is that of a fork")
    new = await pool.spread([("nap", (0.2,))] * 10, executions=executions)
    for each in [*others, *new]:
        await pool.outcomes(each)
        pool.all_are(each, "succeeded")
        charged = [end.id for end in each.endings if end.attempts != 1]
        pool.must(not charged, f"charged for what another left behind: {charged}")
    if not children:
        async with pool.recovers(1.0, "no process was left"):
            while any(map(runs, pids)):
                await asyncio.sleep(0.01)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def stop(pool):
    """Ask all workers to end, which have a grace of 3 s: what was left does not keep them."""
    await pool.settle()
    for worker in pool.workers:
        worker.terminate()
    async with pool.recovers(3 + 1, "all workers had ended"):
        while any(worker.is_alive for worker in pool.workers):
            await asyncio.sleep(0.01)


@row("31", "jobs in the loop fork, and leave processes, threads and timers behind")
async def test_jobs_leave_something_behind(pool):
    """Forks that return, raise, go on; a child; threads; a timer. Then the workers are stopped."""
    await leave(pool, "leave_in_loop", [*FORKS, *OTHERS])
    await stop(pool)


@pytest.mark.parametrize("place", ["thread", "process"])
@row("31", "jobs elsewhere fork, and leave processes, threads and timers behind", arq=ALONE)
async def test_jobs_elsewhere_leave_something_behind(pool, place):
    """Forks that return, raise, go on; a child; threads; a timer. Then the workers are stopped."""
    await leave(pool, f"leave_in_{place}", [*FORKS, *OTHERS], children=place == "thread")
    await stop(pool)


@row("31", "jobs leave tasks, callbacks and a full executor in their loop", quick=True)
async def test_jobs_leave_something_in_their_loop(pool):
    """Tasks that wait, spin, raise; a callback that sleeps; an executor that is full for 20 s."""
    await leave(pool, "leave_in_its_loop", IN_A_LOOP)


@row("31", "a job leaves behind what blocks the loop, and swallows what interrupts it")
async def test_a_job_leaves_behind_what_resists(pool):
    """A callback runs for 20 s, whatever is raised there: its process is replaced, none charged."""
    await leave(pool, "leave_in_its_loop", ["a callback that resists"], executions=2)


@pytest.mark.parametrize("place", ["loop", "thread", "process"])
@row("31", "a result that is slow to write", arq="arq limits no writing: as a job that blocks")
async def test_a_result_is_slow_to_write(pool, place):
    """A job with a timeout of 1 s returns what takes 20 s to be written."""
    await pool.start(2, "harmful", "--processes", "1")
    others = await pool.spread([("nap", (2.0,))] * 10, executions=1)
    slow = await pool.submit([(f"leave_in_{place}", ("a slow result",))], executions=1)
    async with pool.recovers(1 + 1, "it had timed out"):
        await pool.outcomes(slow)
    pool.all_are(slow, "timed_out")
    for each in others:
        await pool.outcomes(each)
        pool.all_are(each, "succeeded")


@row("31", "a job fills its loop's executor, which others use", arq="arq does not limit its use")
async def test_others_use_a_full_executor(pool):
    """One job leaves 100 calls of 20 s in the executor; others ask it, with a timeout of 2 s."""
    await pool.start(1, "harmful", "--processes", "1")
    filling = await pool.submit([("leave_in_its_loop", ("a full executor",))], executions=1)
    await pool.outcomes(filling)
    asking = await pool.submit([("ask_an_executor", ())] * 5, executions=1)
    async with pool.recovers(2 + 1, "all who asked it had ended"):
        await pool.outcomes(asking)
    pool.all_are(asking, "timed_out")
