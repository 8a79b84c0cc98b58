"""The worker as a whole: construction, health, stopping, settings."""

import asyncio
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import arq.worker
import pytest
from arq.worker import async_check_health, func

import gatherq_worker

from .functions import add, give

MAKERS = {"arq": arq.worker, "gatherq": gatherq_worker}


async def test_nothing_to_run_is_refused(make):
    with pytest.raises(RuntimeError, match="at least one function or cron_job"):
        make([])


async def test_what_is_no_coroutine_function_is_refused(make):
    with pytest.raises(RuntimeError, match="is not a coroutine function"):
        make([lambda ctx: 1])


async def test_what_is_no_cron_job_is_refused(make):
    with pytest.raises(RuntimeError, match="must be instances of CronJob"):
        make([add], cron_jobs=[add])


async def test_a_queue_name_is_needed(make):
    with pytest.raises(ValueError, match="redis_pool must be present"):
        make([add], queue_name=None)


async def test_an_unknown_argument_is_refused(make):
    with pytest.raises(TypeError, match="nonsense"):
        make([add], nonsense=1)


async def test_durations_as_timedelta(redis, make):
    job = await redis.enqueue_job("add", 1)
    minute = timedelta(minutes=1)
    options = dict.fromkeys(("job_timeout", "keep_result", "health_check_interval"), minute)
    await make([add], **options).main()
    assert 50_000 < await redis.pttl(f"arq:result:{job.job_id}") <= 60_000


@pytest.mark.parametrize("form", ["class", "dict"])
async def test_a_settings_class_or_dict(redis, settings, queue, kind, form):
    said = {
        "functions": [add],
        "redis_settings": settings,
        "queue_name": queue,
        "burst": True,
        "max_jobs": 3,
        "handle_signals": False,
        "something_else": object(),
    }
    job = await redis.enqueue_job("add", 1)
    worker = MAKERS[kind].create_worker(
        type("WorkerSettings", (), said) if form == "class" else said, max_tries=2
    )
    await worker.main()
    await worker.close()
    assert await job.result(poll_delay=0) == 1
    assert (worker.max_jobs, worker.max_tries) == (3, 2)


async def test_what_a_worker_says_of_itself(redis, make):
    await redis.enqueue_job("add", 1)
    worker = make([add])
    await worker.main()
    assert str(worker) == "<Worker j_complete=1 j_failed=0 j_retried=0 j_ongoing=0>"


@pytest.mark.parametrize("key", [None, "my:health"])
async def test_the_health_key(redis, make, queue, settings, key):
    await redis.enqueue_job("add", 1)
    worker = make([add], health_check_key=key, health_check_interval=10)
    await worker.main()
    found = key or f"{queue}:health-check"
    assert b" j_complete=0 j_failed=0 j_retried=0 j_ongoing=" in await redis.get(found)
    assert 10_000 < await redis.pttl(found) <= 11_000
    assert await async_check_health(settings, key, queue) == 0
    await worker.close()
    assert await async_check_health(settings, key, queue) == 1


async def test_the_health_key_counts(redis, make, queue):
    worker = make([add], health_check_interval=0)
    for n in range(2):
        await redis.enqueue_job("add", n)
        await worker.main()
    await worker.heart_beat()
    assert b"j_complete=2 " in (await redis.get(f"{queue}:health-check") or b"")


async def test_a_worker_can_be_run_again(redis, make):
    worker = make([add])
    for n in range(3):
        job = await redis.enqueue_job("add", n)
        await worker.async_run()
        assert await job.result(poll_delay=0) == n
    assert worker.jobs_complete == 3


async def test_a_burst_waits_for_deferred_jobs(redis, make):
    job = await redis.enqueue_job("add", 1, _defer_by=0.3)
    await make([add]).main()
    assert await job.result(poll_delay=0) == 1


@pytest.mark.parametrize("how", ["by", "until"])
async def test_a_deferred_job_does_not_start_early(redis, make, how):
    begun = datetime.now(UTC)
    when = {"_defer_by": 0.3} if how == "by" else {"_defer_until": begun + timedelta(seconds=0.3)}
    job = await redis.enqueue_job("add", 1, **when)
    await make([add]).main()
    info = await job.result_info()
    assert info.start_time - begun >= timedelta(seconds=0.29)


async def test_a_worker_without_burst_goes_on(redis, make):
    worker = make([give], burst=False)
    run = asyncio.create_task(worker.async_run())
    for n in range(3):
        job = await redis.enqueue_job("give", n)
        assert await job.result(timeout=20, poll_delay=0.01) == n
    run.cancel()
    await asyncio.wait([run])


async def test_a_stop_releases_what_runs(redis, make):
    inside = asyncio.Event()

    async def held(ctx):
        inside.set()
        await asyncio.sleep(60 if ctx["job_id"] not in done else 0)
        return "done"

    done: set[str] = set()
    job = await redis.enqueue_job("held")
    worker = make([func(held, name="held")], burst=False)
    run = asyncio.create_task(worker.async_run())
    await inside.wait()
    worker.handle_sig(signal.SIGTERM)
    await asyncio.wait([run, *worker.tasks.values()])
    assert worker.jobs_retried == 1
    done.add(job.job_id)
    await make([func(held, name="held")]).main()
    assert await job.result(poll_delay=0) == "done"


async def test_a_stop_waits_for_what_runs(redis, make):
    inside = asyncio.Event()

    async def short(ctx):
        inside.set()
        await asyncio.sleep(0.2)
        return "done"

    job = await redis.enqueue_job("short")
    worker = make([func(short, name="short")], burst=False, job_completion_wait=10)
    run = asyncio.create_task(worker.async_run())
    await inside.wait()
    worker.handle_sig_wait_for_completion(signal.SIGTERM)
    await asyncio.wait([run])
    assert await job.result(poll_delay=0) == "done"
    assert worker.jobs_complete == 1


async def test_on_stop_hears_the_signal(redis, make):
    heard = []
    worker = make([add], burst=False)
    worker.on_stop = heard.append
    run = asyncio.create_task(worker.async_run())
    job = await redis.enqueue_job("add", 1)
    await job.result(timeout=20, poll_delay=0.01)
    worker.handle_sig(signal.SIGTERM)
    await asyncio.wait([run])
    assert heard == [signal.SIGTERM]


def test_run_worker_from_synchronous_code(kind, server_url, queue):
    code = f"""
import arq.worker, gatherq_worker
from arq.connections import RedisSettings
async def add(ctx): return 1
settings = {{"functions": [add], "burst": True, "queue_name": {queue!r},
    "redis_settings": RedisSettings.from_dsn({server_url!r})}}
print({"arq.worker" if kind == "arq" else "gatherq_worker"}.run_worker(settings))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "<Worker j_complete=0 j_failed=0 j_retried=0 j_ongoing=0>\n"
