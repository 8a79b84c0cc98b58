"""Retries, `_job_try`, `max_tries`, expiry."""

import asyncio

import pytest
from arq.worker import FailedJobs, JobExecutionFailed, Retry, func

from .functions import add, cancel_itself, facts, fail, retry_job, tries


@pytest.mark.parametrize("until", [1, 2, 3, 5])
async def test_a_job_asks_for_another_try(redis, make, until):
    job = await redis.enqueue_job("tries", until)
    worker = make([tries])
    await worker.main()
    assert await job.result(poll_delay=0) == until
    assert (worker.jobs_complete, worker.jobs_failed, worker.jobs_retried) == (1, 0, until - 1)
    assert (await job.result_info()).job_try == until


@pytest.mark.parametrize(("worker_tries", "own"), [(5, None), (2, None), (5, 1), (1, 3)])
async def test_tries_come_to_an_end(redis, make, caplog, worker_tries, own):
    most = own or worker_tries
    job = await redis.enqueue_job("tries", 100)
    worker = make([func(tries, max_tries=own)], max_tries=worker_tries)
    await worker.main()
    with pytest.raises(JobExecutionFailed, match=f"^max {most} retries exceeded$"):
        await job.result(poll_delay=0)
    assert (worker.jobs_complete, worker.jobs_failed, worker.jobs_retried) == (0, 1, most)
    assert f"max retries {most} exceeded" in caplog.text


async def test_a_retry_waits_for_its_time(redis, make):
    started = []

    async def late(ctx):
        started.append(asyncio.get_running_loop().time())
        if len(started) == 1:
            raise Retry(defer=0.3)

    await redis.enqueue_job("late")
    await make([func(late, name="late")]).main()
    assert started[1] - started[0] >= 0.29


async def test_retry_can_be_turned_off(redis, make):
    job = await redis.enqueue_job("tries", 2)
    worker = make([tries], retry_jobs=False)
    await worker.main()
    with pytest.raises(Retry):
        await job.result(poll_delay=0)
    assert (worker.jobs_failed, worker.jobs_retried) == (1, 0)


@pytest.mark.parametrize("function", [retry_job, cancel_itself], ids=lambda f: f.__name__)
async def test_a_cancelled_job_is_run_again(redis, make, function):
    job = await redis.enqueue_job(function.__name__)
    worker = make([function])
    await worker.main()
    assert await job.result(poll_delay=0) == 2
    assert (worker.jobs_complete, worker.jobs_retried) == (1, 1)


async def test_a_cancelled_job_is_not_run_again_without_retries(redis, make):
    job = await redis.enqueue_job("cancel_itself")
    worker = make([cancel_itself], retry_jobs=False)
    await worker.main()
    with pytest.raises(asyncio.CancelledError):
        await job.result(poll_delay=0)
    assert worker.jobs_failed == 1


@pytest.mark.parametrize("first", [1, 3, 5])
async def test_a_producer_chooses_the_first_try(redis, make, first):
    job = await redis.enqueue_job("facts", _job_try=first)
    await make([facts]).main()
    assert (await job.result(poll_delay=0))["job_try"] == first


async def test_tries_go_on_from_the_chosen_one(redis, make):
    job = await redis.enqueue_job("tries", 4, _job_try=3)
    await make([tries]).main()
    assert await job.result(poll_delay=0) == 4


async def test_a_first_try_beyond_the_last_is_not_run(redis, make):
    job = await redis.enqueue_job("add", 1, _job_try=6)
    worker = make([add])
    await worker.main()
    with pytest.raises(JobExecutionFailed, match="max 5 retries exceeded"):
        await job.result(poll_delay=0)
    assert worker.jobs_failed == 1


async def test_an_ordinary_error_is_not_tried_again(redis, make):
    await redis.enqueue_job("fail", ValueError)
    worker = make([fail])
    await worker.main()
    assert (worker.jobs_failed, worker.jobs_retried) == (1, 0)


async def test_a_job_expires(redis, make):
    job = await redis.enqueue_job("add", 1, _expires=0.05)
    while await redis.exists(f"arq:job:{job.job_id}"):
        await asyncio.sleep(0.01)
    await make([add]).main()
    with pytest.raises(JobExecutionFailed, match="job expired"):
        await job.result(poll_delay=0)


async def test_a_job_that_does_not_expire_in_time_is_run(redis, make):
    job = await redis.enqueue_job("add", 1, _expires=60)
    await make([add]).main()
    assert await job.result(poll_delay=0) == 1


async def test_the_extra_time_of_a_jobs_data_is_the_workers(redis, make):
    async def enqueue(ctx):
        job = await ctx["redis"].enqueue_job("add", 1, _defer_by=0.2)
        return await ctx["redis"].pttl(f"arq:job:{job.job_id}")

    job = await redis.enqueue_job("enqueue")
    await make([func(enqueue, name="enqueue"), add], expires_extra_ms=5000).main()
    assert 4000 < await job.result(poll_delay=0) <= 5200


async def test_run_check_counts_or_raises(redis, make):
    await redis.enqueue_job("add", 1)
    await redis.enqueue_job("add", 2)
    assert await make([add]).run_check() == 2
    await redis.enqueue_job("fail", TypeError, "mine")
    with pytest.raises(FailedJobs, match=r"^1 job failed TypeError\('mine'\)$") as caught:
        await make([fail]).run_check()
    assert (caught.value.count, len(caught.value.job_results)) == (1, 1)


async def test_run_check_without_retries(redis, make):
    await redis.enqueue_job("tries", 2, 0.01)
    with pytest.raises(FailedJobs, match="1 job failed <Retry defer 0.01s>"):
        await make([tries]).run_check(retry_jobs=False)


@pytest.mark.parametrize("most", [0, 1, 2])
async def test_a_burst_of_so_many_jobs(redis, make, most):
    for n in range(4):
        await redis.enqueue_job("add", n)
    assert await make([add]).run_check(max_burst_jobs=most) == most
    assert await redis.zcard(redis.default_queue_name) == 4 - most


async def test_a_try_counts_as_one_of_the_burst(redis, make):
    await redis.enqueue_job("tries", 3)
    worker = make([tries], max_burst_jobs=1)
    await worker.main()
    assert (worker.jobs_complete, worker.jobs_retried) == (0, 1)
