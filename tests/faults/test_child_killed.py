"""A worker process dies among many running jobs, and its supervisor lives."""

import pytest

from .harness.pool import LEASE
from .harness.rows import row
from .test_processes import busiest

NAP, JOBS = 4.0, 60
MODULES = {"native": "native", "arq's functions": "stock.WorkerSettings"}
NOBODY = "arq has no supervisor"


async def sixty(pool, kind, executions=2):
    """Start two workers with supervisors, and let sixty jobs begin."""
    options = ("--processes", "1", "--concurrency", "100", "--redis", pool.server.url)
    environment = {"REDIS_URL": pool.server.url}
    await pool.start(2, *options, module=MODULES[kind], environment=environment)
    jobs = await pool.submit([("nap", (NAP,))] * JOBS, executions=executions)
    await pool.started(JOBS)
    return jobs


@pytest.mark.parametrize("kind", list(MODULES))
@row("30", "a child is killed among 60 running jobs", arq=NOBODY)
async def test_a_child_is_killed_among_sixty_jobs(pool, kind):
    """SIGKILL of the worker process below one of two supervisors, in the midst of jobs of 4 s."""
    jobs = await sixty(pool, kind)
    victim, held = busiest(pool)
    victim.kill_child()
    async with pool.recovers(NAP + LEASE + 1, "all had ended"):
        async with pool.recovers(LEASE + 1, f"all {held} jobs started again"):
            await pool.started(JOBS + held)
        again = [line.at for line in pool.ledger.lines()[JOBS:]]
        together = max(again) - min(again)
        pool.must(together <= 1.0, f"they started within {together:.2f} s, not together")
        async with pool.recovers(0.5, "a new job had ended"):
            new = await pool.submit([("nap", (0.0,))], executions=1)
            await pool.outcomes(new)
        await pool.outcomes(jobs)
    pool.all_are(new, "succeeded")
    pool.all_are(jobs, "succeeded")
    charged = sum(each.attempts == 2 for each in jobs.endings)
    # One alone, if its step was under way.
    pool.must(charged in (1, held), f"{charged} jobs were charged, not {held}, nor one")


@pytest.mark.parametrize("kind", list(MODULES))
@row("30", "two children are killed among 60 running jobs", arq=NOBODY)
async def test_two_children_are_killed_among_sixty_jobs(pool, kind):
    """SIGKILL of a worker process, and of the one in which its jobs have started again.

    A job runs a third time if another one's step was under way at a kill, which is charged alone.
    """
    jobs = await sixty(pool, kind, 3)
    victim, held = busiest(pool)
    first = victim.kill_child()
    await pool.started(JOBS + held)
    pids = [line.pid for line in pool.ledger.lines() if line.pid != first]
    second = max(set(pids), key=pids.count)
    next(each for each in pool.workers if second in each.pids()).kill_child()
    await pool.outcomes(jobs)
    executions = pool.ledger.executions()
    for each in jobs.endings:
        if each.status != "succeeded":
            pool.says(each, "lost", "SIGKILL.*SIGKILL")
            pool.must(executions[each.id] == 2, f"{each.id} is lost after {executions[each.id]}")
    lost = [each.id for each in jobs.endings if each.status == "lost"]
    pool.must(len(lost) <= held, f"{len(lost)} jobs are lost, and {held} were killed twice")
