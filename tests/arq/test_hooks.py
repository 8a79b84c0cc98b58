"""`on_startup`, `on_shutdown`, `on_job_start`, `on_job_end`, `after_job_end`."""

import asyncio

import pytest
from arq.worker import func

from .functions import add, fail, tries


@pytest.fixture
def heard():
    return []


@pytest.fixture
def hooks(heard):
    def hook(name):
        async def hear(ctx):
            heard.append((name, ctx["job_try"]))

        return hear

    return {name: hook(name) for name in ("on_job_start", "on_job_end", "after_job_end")}


ALL = ["on_job_start", "on_job_end", "after_job_end"]


async def test_hooks_hear_of_a_job(redis, make, hooks, heard):
    await redis.enqueue_job("add", 1)
    await make([add], **hooks).main()
    assert heard == [(name, 1) for name in ALL]


async def test_hooks_hear_of_a_failure(redis, make, hooks, heard):
    await redis.enqueue_job("fail")
    await make([fail], **hooks).main()
    assert heard == [(name, 1) for name in ALL]


async def test_hooks_hear_of_every_try(redis, make, hooks, heard):
    await redis.enqueue_job("tries", 3)
    await make([tries], **hooks).main()
    assert heard == [(name, number) for number in (1, 2, 3) for name in ALL]


async def test_hooks_hear_nothing_of_what_cannot_be_run(redis, make, hooks, heard):
    await redis.enqueue_job("missing")
    await make([add], **hooks).main()
    assert heard == []


async def test_hooks_and_job_share_one_ctx(redis, make):
    seen = []

    async def start(ctx):
        ctx["session"] = "open"

    async def job(ctx):
        seen.append(ctx["session"])
        ctx["session"] = "used"

    async def end(ctx):
        seen.append(ctx["session"])

    await redis.enqueue_job("job")
    hooks = {"on_job_start": start, "on_job_end": end, "after_job_end": end}
    await make([func(job, name="job")], **hooks).main()
    assert seen == ["open", "used", "used"]


async def test_the_result_is_there_after_the_end(redis, make, kind):
    """`on_job_end` comes before the result."""
    found = []

    async def look(ctx):
        found.append(await ctx["redis"].exists(f"arq:result:{ctx['job_id']}"))

    await redis.enqueue_job("add", 1)
    await make([add], on_job_end=look).main()
    assert found == [0]


async def test_startup_and_shutdown_once_each(redis, make, heard):
    async def startup(ctx):
        assert ctx["redis"]
        heard.append("startup")

    async def shutdown(ctx):
        heard.append("shutdown")

    await redis.enqueue_job("add", 1)
    worker = make([add], on_startup=startup, on_shutdown=shutdown)
    await worker.main()
    assert heard == ["startup"]
    await worker.close()
    assert heard == ["startup", "shutdown"]


async def test_a_startup_that_raises_ends_the_worker(redis, make):
    async def startup(ctx):
        raise RuntimeError("no database")

    await redis.enqueue_job("add", 1)
    with pytest.raises(RuntimeError, match="no database"):
        await make([add], on_startup=startup).main()
    assert await redis.zcard(redis.default_queue_name) == 1


async def test_hooks_hear_the_end_of_a_job_that_a_stop_interrupts(redis, make, hooks, heard):
    inside = asyncio.Event()

    async def held(ctx):
        inside.set()
        await asyncio.sleep(60)

    await redis.enqueue_job("held")
    worker = make([func(held, name="held")], **hooks, burst=False)
    run = asyncio.create_task(worker.main())
    await inside.wait()
    for task in worker.tasks.values():
        tasks = [task]
    worker.main_task = run
    worker.handle_sig(15)
    await asyncio.wait([run, *tasks])
    assert heard == [(name, 1) for name in ALL]
