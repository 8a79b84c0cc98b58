"""What a job gets, and what its producer gets back."""

import asyncio
import logging
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from arq.jobs import DeserializationError, Job, JobStatus, ResultNotFound, SerializationError
from arq.worker import JobExecutionFailed, func

from . import functions
from .functions import Own, Unpicklable, Unreadable, add, facts, fail, give, nested


@pytest.mark.parametrize(
    "value",
    [
        *(None, 0, 1.5, "text", "é\n\x00", b"\xff", True, [1, [2]], (1, 2), {"a": {1: 2}}, {1, 2}),
        *(datetime(2026, 1, 2, tzinfo=UTC), Decimal("1.10"), ValueError("a value"), Own),
    ],
    ids=repr,
)
async def test_a_value_goes_there_and_back(redis, make, value):
    job = await redis.enqueue_job("give", value)
    await make([give]).main()
    found = await job.result(poll_delay=0)
    assert (type(found), repr(found)) == (type(value), repr(value))


async def test_arguments_by_position_and_by_name(redis, make):
    jobs = [
        await redis.enqueue_job("add", 1, 2),
        await redis.enqueue_job("add", 1, b=2),
        await redis.enqueue_job("add", a=1, b=2),
    ]
    await make([add]).main()
    assert [await job.result(poll_delay=0) for job in jobs] == [3, 3, 3]


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyError("k"), OSError(2, "gone"), Own("x", 1)], ids=repr
)
async def test_an_exception_comes_back_as_itself(redis, make, error):
    job = await redis.enqueue_job("fail", type(error), *error.args)
    worker = make([fail])
    await worker.main()
    with pytest.raises(type(error)) as caught:
        await job.result(poll_delay=0)
    assert caught.value.args == error.args
    assert (worker.jobs_complete, worker.jobs_failed, worker.jobs_retried) == (0, 1, 0)


async def test_wrong_arguments_are_the_jobs_failure(redis, make):
    job = await redis.enqueue_job("add", nonsense=1)
    await make([add]).main()
    with pytest.raises(TypeError, match="nonsense"):
        await job.result(poll_delay=0)


async def test_a_function_by_its_dotted_path(redis, make):
    job = await redis.enqueue_job("tests.arq.functions.add", 1, 2)
    await make(["tests.arq.functions.add"]).main()
    assert await job.result(poll_delay=0) == 3


async def test_a_function_under_another_name(redis, make):
    job = await redis.enqueue_job("plus", 1, 2)
    await make([func(add, name="plus")]).main()
    assert await job.result(poll_delay=0) == 3


async def test_an_unknown_function(redis, make, caplog):
    job = await redis.enqueue_job("missing")
    worker = make([add])
    await worker.main()
    with pytest.raises(JobExecutionFailed) as caught:
        await job.result(poll_delay=0)
    assert caught.value == JobExecutionFailed("function 'missing' not found")
    assert f"job {job.job_id}, function 'missing' not found" in caplog.text
    assert worker.jobs_failed == 1


async def test_what_a_function_finds_in_ctx(redis, make):
    job = await redis.enqueue_job("facts", _job_id="a", _defer_by=0.05)
    score = await redis.zscore(redis.default_queue_name, "a")
    info = await job.info()
    await make([facts]).main()
    assert await job.result(poll_delay=0) == {
        "job_id": "a",
        "job_try": 1,
        "enqueue_time": info.enqueue_time,
        "score": int(score),
    }


async def test_ctx_holds_what_the_application_puts_there(redis, make):
    async def look(ctx):
        return ctx["mine"], ctx["started"]

    async def startup(ctx):
        ctx["started"] = True

    job = await redis.enqueue_job("look")
    await make([func(look, name="look")], ctx={"mine": 7}, on_startup=startup).main()
    assert await job.result(poll_delay=0) == (7, True)


async def test_what_one_job_puts_into_ctx_no_other_sees(redis, make):
    async def put(ctx):
        return ctx.setdefault("seen", ctx["job_id"]) == ctx["job_id"]

    jobs = [await redis.enqueue_job("put") for _ in range(3)]
    await make([func(put, name="put")]).main()
    assert [await job.result(poll_delay=0) for job in jobs] == [True] * 3


async def test_a_job_enqueues_another(redis, make):
    job = await redis.enqueue_job("nested", "inner")
    await make([nested, give]).main()
    inner = Job(await job.result(poll_delay=0), redis)
    assert await inner.result(poll_delay=0) == "inner"


async def test_a_result_that_cannot_be_written(redis, make):
    async def unwritable(ctx):
        return Unpicklable()

    job = await redis.enqueue_job("unwritable")
    await make([func(unwritable, name="unwritable")]).main()
    with pytest.raises(SerializationError, match="unable to serialize result"):
        await job.result(poll_delay=0)


async def test_a_job_that_cannot_be_read(redis, make):
    job = await redis.enqueue_job("add", Unreadable())
    worker = make([add])
    await worker.main()
    with pytest.raises(DeserializationError, match="unable to deserialize job"):
        await job.result(poll_delay=0)
    assert worker.jobs_failed == 1


async def test_a_job_whose_data_is_gone(redis, make, caplog):
    job = await redis.enqueue_job("add", 1)
    await redis.delete(f"arq:job:{job.job_id}")
    await make([add]).main()
    with pytest.raises(JobExecutionFailed, match="^job expired$"):
        await job.result(poll_delay=0)
    assert f"job {job.job_id} expired" in caplog.text


async def test_what_info_says_before_and_after(redis, make, queue):
    job = await redis.enqueue_job("add", 1, b=2)
    before = await job.info()
    assert (before.function, before.args, before.kwargs) == ("add", (1,), {"b": 2})
    assert before.job_try is None
    assert before.score
    await make([add]).main()
    after = await job.info()
    assert (after.function, after.args, after.kwargs) == ("add", (1,), {"b": 2})
    assert (after.success, after.result, after.job_try) == (True, 3, 1)
    assert (after.job_id, after.queue_name, after.score) == (job.job_id, queue, None)
    assert before.enqueue_time == after.enqueue_time <= after.start_time <= after.finish_time


async def test_what_result_info_says_of_a_failure(redis, make):
    job = await redis.enqueue_job("fail", ValueError, "no")
    assert await job.result_info() is None
    await make([fail]).main()
    info = await job.result_info()
    assert (info.success, repr(info.result)) == (False, "ValueError('no')")


async def test_every_status_in_its_turn(redis, make):
    inside, go = asyncio.Event(), asyncio.Event()

    async def held(ctx):
        inside.set()
        await go.wait()

    job = await redis.enqueue_job("held", _defer_by=0.2)
    assert await job.status() is JobStatus.deferred
    other = await redis.enqueue_job("held")
    assert await other.status() is JobStatus.queued
    run = asyncio.create_task(make([func(held, name="held")]).main())
    await inside.wait()
    assert await other.status() is JobStatus.in_progress
    go.set()
    await run
    assert await job.status() is JobStatus.complete
    assert await Job("nobody", redis).status() is JobStatus.not_found


async def test_result_waits_for_the_job(redis, make):
    job = await redis.enqueue_job("sleep", 0.1)
    run = asyncio.create_task(make([functions.sleep]).main())
    assert await job.result(timeout=20, poll_delay=0.01) == 0.1
    await run


async def test_all_job_results_and_queued_jobs(redis, make):
    jobs = [await redis.enqueue_job("add", n) for n in range(3)]
    queued = await redis.queued_jobs()
    assert sorted(job.args for job in queued) == [(0,), (1,), (2,)]
    await make([add]).main()
    assert await redis.queued_jobs() == []
    results = await redis.all_job_results()
    assert {r.job_id: r.result for r in results} == {j.job_id: n for n, j in enumerate(jobs)}


async def test_an_id_is_taken_while_queued_and_while_its_result_is_kept(redis, make):
    job = await redis.enqueue_job("add", 1, _job_id="one")
    assert await redis.enqueue_job("add", 1, _job_id="one") is None
    await make([add]).main()
    assert await job.result(poll_delay=0) == 1
    assert await redis.enqueue_job("add", 1, _job_id="one") is None


async def test_fifty_jobs_enqueued_twice_run_once_each(redis, make):
    seen = []

    async def note(ctx, n):
        seen.append(n)

    for n in range(50):
        await redis.enqueue_job("note", n, _job_id=f"n{n}")
        await redis.enqueue_job("note", n, _job_id=f"n{n}")
    await make([func(note, name="note")]).main()
    assert sorted(seen) == list(range(50))


async def test_jobs_of_other_queues_are_left_alone(redis, make):
    mine, other = (
        await redis.enqueue_job("add", 1),
        await redis.enqueue_job("add", 2, _queue_name="another"),
    )
    await make([add]).main()
    assert await mine.status() is JobStatus.complete
    assert await other.status() is JobStatus.queued
    await make([add], queue_name="another").main()
    assert await other.result(poll_delay=0) == 2


async def test_a_worker_takes_the_queue_of_its_pool(redis, make):
    job = await redis.enqueue_job("add", 1)
    worker = make([add], redis_pool=redis, redis_settings=None, queue_name=None)
    await worker.main()
    assert await job.result(poll_delay=0) == 1


async def test_no_more_than_max_jobs_at_a_time(redis, make):
    running, most = 0, 0

    async def count(ctx):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1

    for _ in range(9):
        await redis.enqueue_job("count")
    await make([func(count, name="count")], max_jobs=3).main()
    assert most == 3


@pytest.mark.parametrize(("job_timeout", "timeout"), [(0.05, None), (300, 0.05), (0.01, 0.05)])
async def test_a_job_that_takes_too_long(redis, make, job_timeout, timeout):
    job = await redis.enqueue_job("sleep", 20)
    worker = make([func(functions.sleep, timeout=timeout)], job_timeout=job_timeout)
    await worker.main()
    with pytest.raises(TimeoutError):
        await job.result(poll_delay=0)
    assert worker.jobs_failed == 1


async def test_the_log_of_a_job(redis, make, caplog):
    caplog.set_level(logging.INFO)
    await redis.enqueue_job("add", 1, b=2, _job_id="one")
    await make([add]).main()
    lines = [record.message.split("s ", 1)[-1] for record in caplog.records]
    at = lines.index("→ one:add(1, b=2)")
    assert "← one:add ● 3" in lines[at:]


async def test_log_results_can_be_turned_off(redis, make, caplog):
    caplog.set_level(logging.INFO)
    await redis.enqueue_job("give", "secret", _job_id="one")
    await make([give], log_results=False).main()
    assert "← one:give ● " in caplog.text
    assert "● 'secret'" not in caplog.text


async def test_what_an_exception_says_beside_goes_to_the_log(redis, make, caplog):
    await redis.enqueue_job("fail", Own, "x", _job_id="one")
    await make([fail]).main()
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "! one:fail failed, Own: x" in record.message
    assert record.extra == {"x": "y"}


@pytest.mark.parametrize(
    ("function", "worker", "left"),
    [
        ({}, {}, 3_600_000),
        ({}, {"keep_result": 10}, 10_000),
        ({}, {"keep_result": 0}, -2),
        ({}, {"keep_result_forever": True}, -1),
        ({"keep_result": 20}, {"keep_result": 10}, 20_000),
        ({"keep_result": 0}, {}, -2),
        ({"keep_result_forever": True}, {"keep_result": 10}, -1),
        ({"keep_result_forever": False}, {"keep_result_forever": True}, 3_600_000),
        ({"keep_result_forever": True, "keep_result": 5}, {}, -1),
    ],
    ids=str,
)
async def test_how_long_a_result_is_kept(redis, make, function, worker, left):
    job = await redis.enqueue_job("add", 1)
    await make([func(add, **function)], **worker).main()
    found = await redis.pttl(f"arq:result:{job.job_id}")
    assert found == left if left < 0 else left - 5000 < found <= left
    if left == -2:
        with pytest.raises(ResultNotFound):
            await job.result(poll_delay=0)


async def test_nothing_but_results_is_left(redis, make, queue):
    await redis.enqueue_job("add", 1, _job_id="one")
    worker = make([add])
    await worker.main()
    await worker.close()
    assert [key for key in await redis.keys("*") if not key.startswith(b"gatherq:")] == [
        b"arq:result:one"
    ]
