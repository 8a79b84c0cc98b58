"""`Job.abort()` from a plain arq producer."""

import asyncio

import pytest
from arq.worker import func

from .functions import add


@pytest.fixture
def held():
    """A function that runs until it is cancelled, and what is known of it."""

    class Held:
        inside, cleaned = asyncio.Event(), 0

        async def run(self, ctx):
            self.inside.set()
            try:
                await asyncio.sleep(60)
            finally:
                self.cleaned += 1

    return Held()


async def test_a_running_job_is_aborted(redis, make, held):
    job = await redis.enqueue_job("held")
    worker = make([func(held.run, name="held")], allow_abort_jobs=True)
    run = asyncio.create_task(worker.main())
    await held.inside.wait()
    assert await job.abort(timeout=20, poll_delay=0.01) is True
    await run
    assert held.cleaned == 1
    assert (worker.jobs_failed, worker.jobs_retried) == (1, 0)
    with pytest.raises(asyncio.CancelledError):
        await job.result(poll_delay=0)
    assert (await job.result_info()).success is False
    assert not await redis.zcard("arq:abort")


@pytest.mark.parametrize("defer", [None, 3600], ids=["queued", "deferred"])
async def test_a_job_that_waits_is_never_run(redis, make, held, defer, caplog):
    caplog.set_level("INFO")
    job = await redis.enqueue_job("held", _defer_by=defer, _job_id="one")
    with pytest.raises(asyncio.TimeoutError):
        await job.abort(timeout=0)
    worker = make([func(held.run, name="held")], allow_abort_jobs=True)
    await worker.main()
    assert not held.inside.is_set()
    assert worker.jobs_failed == 1
    assert "⊘ one:held aborted before start" in caplog.text
    with pytest.raises(asyncio.CancelledError):
        await job.result(poll_delay=0)


async def test_without_leave_nothing_is_aborted(redis, make):
    job = await redis.enqueue_job("add", 1)
    with pytest.raises(asyncio.TimeoutError):
        await job.abort(timeout=0)
    await make([add]).main()
    assert await job.result(poll_delay=0) == 1


async def test_a_finished_job_cannot_be_aborted(redis, make):
    job = await redis.enqueue_job("add", 1)
    await make([add], allow_abort_jobs=True).main()
    assert await job.abort(timeout=5) is False
    assert await job.result(poll_delay=0) == 1


async def test_the_neighbours_of_an_aborted_job_go_on(redis, make, held):
    gate = asyncio.Event()

    async def neighbour(ctx):
        await gate.wait()
        return "done"

    job, other = await redis.enqueue_job("held"), await redis.enqueue_job("neighbour")
    functions = [func(held.run, name="held"), func(neighbour, name="neighbour")]
    run = asyncio.create_task(make(functions, allow_abort_jobs=True).main())
    await held.inside.wait()
    assert await job.abort(timeout=20, poll_delay=0.01) is True
    gate.set()
    assert await other.result(timeout=20, poll_delay=0.01) == "done"
    await run


async def test_marks_of_unknown_jobs_do_no_harm(redis, make, held):
    await redis.zadd("arq:abort", {b"nobody": int(1e9)})
    job = await redis.enqueue_job("add", 1)
    await make([add], allow_abort_jobs=True).main()
    assert await job.result(poll_delay=0) == 1


async def test_the_hooks_of_an_aborted_job_are_not_cancelled(redis, make, held):
    job, seen = await redis.enqueue_job("held"), []

    async def hook(ctx):
        seen.append(asyncio.current_task().cancelling())

    held_job = func(held.run, name="held")
    hooks = {"on_job_end": hook, "after_job_end": hook}
    run = asyncio.create_task(make([held_job], allow_abort_jobs=True, **hooks).main())
    await held.inside.wait()
    await job.abort(timeout=20, poll_delay=0.01)
    await run
    assert seen == [0, 0]
