"""Worker processes that are killed, stopped, and that stand still."""

import asyncio
from collections.abc import Callable

from .harness.pool import LEASE, Pool, Submission
from .harness.rows import row
from .harness.workers import Worker


def busiest(pool: Pool) -> tuple[Worker, int]:
    """Return the worker that has begun most jobs, and how many."""
    lines = pool.ledger.lines()
    held = [sum(each.pid in (line.pid, line.parent) for line in lines) for each in pool.workers]
    return pool.workers[held.index(max(held))], max(held)


async def taken_over(pool: Pool, end: Callable[[Worker], None]) -> tuple[Submission, Worker]:
    """End the busiest worker in the middle of 20 jobs of 1 s; wait until its jobs run elsewhere."""
    jobs = await pool.submit([("nap", (1.0,))] * 20)
    await pool.started(20)
    victim, held = busiest(pool)
    end(victim)
    async with pool.recovers(LEASE + 1, f"all {held} jobs started elsewhere"):
        await pool.started(20 + held)
    return jobs, victim


@row("1", "a worker is killed in mid-job", quick=True)
async def test_a_machine_dies(pool):
    """SIGKILL of one of two workers and all it started, each with jobs of 1 s under way."""
    await pool.start(2)
    jobs, _ = await taken_over(pool, Worker.kill)
    await pool.outcomes(jobs)
    pool.all_are(jobs, "succeeded")


@row("1", "a worker's child is killed, its supervisor lives", arq="arq has no supervisor")
async def test_a_child_dies(pool):
    """SIGKILL of the worker process below one of two supervisors, with jobs of 1 s under way."""
    await pool.start(2, "--processes", "1")
    jobs = await pool.submit([("nap", (1.0,))] * 20)
    await pool.started(20)
    victim, held = busiest(pool)
    victim.kill_child()
    async with pool.recovers(0.5, f"the first of {held} jobs started again"):
        await pool.started(20 + 1)
    await pool.outcomes(jobs)
    pool.all_are(jobs, "succeeded")


@row("2", "a worker is asked to end in mid-job", quick=True)
async def test_a_worker_is_stopped(pool):
    """SIGTERM of one of two workers, with jobs of 1 s and of 4.5 s under way; a grace of 3 s."""
    await pool.start(2)
    short = await pool.submit([("nap", (1.0,))] * 6, executions=1)
    long = await pool.submit([("nap", (4.5,))] * 6)
    await pool.started(12)
    victim, _ = busiest(pool)
    victim.terminate()
    async with pool.recovers(3 + 1, "the process had ended"):
        await in_time(victim)
    await pool.outcomes(short)
    await pool.outcomes(long)
    pool.all_are(short, "succeeded")
    pool.all_are(long, "succeeded")
    charged = [each.id for each in long.endings if each.attempts != 1]
    pool.must(not charged, f"given back and charged all the same: {charged}")


async def in_time(worker):
    """Wait for the end of a process."""
    while worker.is_alive:
        await asyncio.sleep(0.01)


@row("3", "a worker stands still for longer than its lease, then goes on")
async def test_a_zombie(pool):
    """SIGSTOP of one of two workers for 2.5 leases, in the middle of jobs of 1 s; then SIGCONT."""
    await pool.start(2)
    jobs, victim = await taken_over(pool, Worker.stop)
    await asyncio.sleep(LEASE * 1.5)
    await pool.outcomes(jobs)
    victim.wake()
    pool.all_are(jobs, "succeeded")
