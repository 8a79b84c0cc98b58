"""The engine's tasks, which jobs find in `asyncio.all_tasks()`."""

import asyncio
import contextvars
import logging
import sys

import pytest

from gatherq.contract.current_job import CurrentJob, set_current
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.guarded_task import guarded, within


def job(job_id="b:0", number=1):
    return CurrentJob(job_id, "b", 0, "unruly", number, None, None)


async def in_job(work, job_id="b:0", number=1):
    """Call something from the code of a job."""

    async def run():
        set_current(job(job_id, number))
        return work()

    return await asyncio.create_task(run(), context=contextvars.copy_context())


async def forever():
    await asyncio.Event().wait()


async def test_the_code_of_a_job_cancels_no_other_task_of_the_engine(caplog):
    own, other = Attempt("b:0", 2, None), Attempt("b:1", 1, None)
    tasks = [guarded(forever()), guarded(forever(), own), guarded(forever(), other)]

    def attack():
        return [[task.cancel() for task in tasks] for _ in range(3)]

    with caplog.at_level(logging.WARNING):
        assert await in_job(attack, number=2) == [[False, True, False]] * 3
    assert len(caplog.records) == 1
    assert "'b:0' (unruly)" in caplog.text
    assert [task.cancelling() for task in tasks] == [0, 3, 0]
    # An earlier attempt of the same job has ended: what it left behind is none of this one's.
    assert not await in_job(tasks[1].cancel, number=1)
    assert [task.cancel() for task in tasks] == [True, False, True]  # outside of any job
    await asyncio.wait(tasks)


async def test_a_limit_cancels_the_task_that_it_is_of():
    async def run():
        set_current(job())
        async with asyncio.timeout(0.01):
            await forever()

    with pytest.raises(TimeoutError):
        await guarded(run(), Attempt("b:0", 1, None))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no eager tasks")
async def test_it_begins_later_whatever_factory_of_tasks_there_is():
    begun = []

    async def note():
        begun.append(1)

    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    task = guarded(note())
    assert not begun
    await task
    assert begun


async def test_within_ends_in_time_and_reports_errors(caplog):
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert not await within(begun + 0.05, forever())
    assert 0.04 <= loop.time() - begun < 5
    assert await within(float("inf"), asyncio.sleep(0))

    async def fails():
        raise ConnectionError("reset")

    assert await within(loop.time() + 60, fails())
    assert "ConnectionError: reset" in caplog.text


async def test_within_ends_what_it_began_when_it_is_cancelled_itself():
    ended = asyncio.Event()

    async def work():
        try:
            await forever()
        finally:
            ended.set()

    task = asyncio.create_task(within(float("inf"), work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5):
        await ended.wait()
