"""`timeout`, `wait_for` and `shield` around any of these."""

import asyncio

import pytest

from .jobs import echo, held, own_timeout
from .scenario import scenario


def now():
    return asyncio.get_running_loop().time()


@scenario
async def test_wait_for_gives_the_value_in_time(w):
    assert await asyncio.wait_for(await w.start(w.call(echo, 1)), 30) == 1


@scenario
async def test_wait_for_cancels_what_is_late(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(task, 0.05)
    assert task.cancelled()
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_wait_for_passes_on_a_timeout_error_of_the_job(w):
    with pytest.raises(TimeoutError, match="mine"):
        await asyncio.wait_for(await w.start(w.call(own_timeout)), 30)


@scenario
async def test_wait_for_what_has_ended_needs_no_time(w):
    task = await w.start(w.call(echo, 1))
    await asyncio.wait([task])
    assert await asyncio.wait_for(task, 0) == 1


@scenario
async def test_a_timeout_around_a_task_cancels_it(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05) as limit:
            await task
    assert limit.expired()
    assert task.cancelled()
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_a_timeout_that_is_not_reached_changes_nothing(w):
    async with asyncio.timeout(30) as limit:
        assert await (await w.start(w.call(echo, 1))) == 1
    assert not limit.expired()


@scenario
async def test_a_timeout_around_gather_cancels_the_jobs(w):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            gathering = asyncio.ensure_future(w.gather(w.call(held, "a"), w.call(held, "b")))
            await w.seen("start a", "start b")
            limit.reschedule(now())
            await gathering
    await w.seen("cancelled a", "cancelled b")


@scenario
async def test_wait_for_gather_cancels_the_jobs(w):
    gathering = asyncio.ensure_future(w.gather(w.call(held, "a")))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gathering, 0.05)
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_a_shielded_task_goes_on(w):
    task = await w.start(w.call(held, "a", 1))
    shielded = asyncio.shield(task)
    await w.seen("start a")
    shielded.cancel()
    with pytest.raises(asyncio.CancelledError):
        await shielded
    assert not task.done()
    await w.open("a")
    assert await task == 1


@scenario
async def test_a_shield_keeps_a_timeout_off(w):
    task = await w.start(w.call(held, "a", 1))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.05)
    await w.open("a")
    assert await task == 1


@scenario
async def test_a_shielded_gather_goes_on(w):
    gathering = asyncio.ensure_future(w.gather(w.call(held, "a", 1)))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(gathering), 0.05)
    await w.open("a")
    assert list(await gathering) == [1]


@scenario
async def test_a_limit_of_the_call_is_kept_by_its_own_timeout(w):
    task = await w.start(w.call(held, "a").with_timeout(0.2))
    with pytest.raises(TimeoutError):
        await task
    assert not task.cancelled()
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_asyncio_as_completed_takes_them(w):
    tasks = [await w.start(w.call(held, name, name)) for name in "ab"]
    await w.seen("start a", "start b")
    found, gates = [], ["b", "a"]
    await w.open(gates.pop(0))
    for each in asyncio.as_completed(tasks):
        found.append(await each)
        if gates:
            await w.open(gates.pop(0))
    assert found == ["b", "a"]


@scenario
async def test_a_local_task_group_around_pool_tasks_cancels_them(w):
    async def follow(task):
        await task

    async def fail():
        await w.seen("start a")
        raise KeyError("here")

    task = await w.start(w.call(held, "a"))
    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(follow(task))
            group.create_task(fail())
    assert task.cancelled()
    assert await w.log() == ["start a", "cancelled a"]
