"""arq's `cron()`."""

import asyncio
from datetime import datetime, timedelta

import pytest
from arq.cron import cron
from arq.worker import func

from .functions import add


async def test_a_cron_job_at_startup(redis, make, caplog):
    caplog.set_level("INFO")
    worker = make(cron_jobs=[cron(add_nothing, hour=1, run_at_startup=True)])
    await worker.main()
    assert worker.jobs_complete == 1
    assert "→ cron:add_nothing()" in caplog.text
    (mark,) = await redis.keys("arq:in-progress:*")  # plain arq workers keep off
    assert 0 < await redis.pttl(mark) <= 60_000


async def add_nothing(ctx):
    return 0


async def test_a_cron_job_not_due_is_not_run(redis, make):
    worker = make(cron_jobs=[cron(add_nothing, hour=(datetime.now() - timedelta(hours=2)).hour)])
    await worker.main()
    assert worker.jobs_complete == 0


async def test_cron_jobs_and_functions_side_by_side(redis, make):
    job = await redis.enqueue_job("add", 1)
    worker = make([add], cron_jobs=[cron(add_nothing, hour=1, run_at_startup=True)])
    await worker.main()
    assert await job.result(poll_delay=0) == 1
    assert worker.jobs_complete == 2


@pytest.mark.parametrize(("keep", "left"), [({}, False), ({"keep_result": 60}, True)], ids=str)
async def test_results_of_cron_jobs(redis, make, keep, left):
    await make(cron_jobs=[cron(add_nothing, hour=1, run_at_startup=True, **keep)]).main()
    assert bool(await redis.keys("arq:result:cron:*")) is left


async def test_two_cron_jobs_of_one_id_run_once(redis, make):
    async def other(ctx):
        return 1

    jobs = [
        cron(add_nothing, minute=10, run_at_startup=True, job_id="single"),
        cron(other, minute=20, run_at_startup=True, job_id="single"),
    ]
    worker = make(cron_jobs=jobs)
    await worker.main()
    assert worker.jobs_complete == 1


async def test_one_function_with_two_ids_runs_twice(redis, make):
    jobs = [
        cron(add_nothing, minute=10, run_at_startup=True, job_id="one"),
        cron(add_nothing, minute=20, run_at_startup=True, job_id="two"),
    ]
    worker = make(cron_jobs=jobs)
    await worker.main()
    assert worker.jobs_complete == 2


async def test_a_cron_job_that_is_cancelled_is_run_again(redis, make):
    async def once(ctx):
        if ctx["job_try"] == 1:
            raise asyncio.CancelledError

    # Plain arq keeps its own mark on a cron job for a minute, so that case would take as long.
    worker = make([func(once, name="once", max_tries=2)])
    await redis.enqueue_job("once")
    await worker.main()
    assert (worker.jobs_complete, worker.jobs_retried) == (1, 1)


async def test_each_tick_is_run_once_by_two_workers(redis, make):
    """Every second, in two workers, until there were three: never one of them twice."""
    seen = []
    enough = asyncio.Event()

    async def tick(ctx):
        seen.append(ctx["job_id"])
        if len(set(seen)) == 3:
            enough.set()

    workers = [
        make(cron_jobs=[cron(tick, name="tick", second=None, microsecond=0)], burst=False)
        for _ in range(2)
    ]
    runs = [asyncio.create_task(worker.main()) for worker in workers]
    async with asyncio.timeout(30):
        await enough.wait()
    for run in runs:
        run.cancel()
    await asyncio.wait(runs)
    assert len(seen) == len(set(seen))
