"""Cancellation in each phase of a job, by each verb."""

import asyncio

import pytest

from .jobs import echo, held
from .scenario import scenario

PHASES = pytest.mark.parametrize("phase", ["new", "running", "finished"])


async def awaited(w, call):
    return await (await w.start(call))


async def gathered(w, call):
    return (await w.gather(call))[0]


async def gathered_whole(w, call):
    return (await w.gather(call, return_exceptions=True))[0]


async def grouped(w, call):
    async with w.task_group() as group:
        task = group.create_task(call)
    return task.result()


async def awaited_in_group(w, call):
    async with w.task_group() as group:
        return await group.create_task(call)


async def gathered_started(w, call):
    return (await asyncio.gather(await w.start(call)))[0]


async def waited_for(w, call):
    return await asyncio.wait_for(await w.start(call), 30)


async def under_timeout(w, call):
    async with asyncio.timeout(30):
        return await (await w.start(call))


async def inner_group(w, call):
    async with w.task_group(), w.task_group() as group:
        task = group.create_task(call)
    return task.result()


async def local_group(w, call):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(awaited(w, call))
    return task.result()


VERBS = pytest.mark.parametrize(
    "verb",
    [
        awaited,
        gathered,
        gathered_whole,
        grouped,
        awaited_in_group,
        gathered_started,
        waited_for,
        under_timeout,
        inner_group,
        local_group,
    ],
)


@PHASES
@VERBS
@scenario
async def test_cancelling_who_waits(w, verb, phase):
    waiting = asyncio.create_task(verb(w, w.call(held, "a", 7)))
    if phase == "new":
        await asyncio.sleep(0)
    else:
        await w.seen("start a")
    if phase == "finished":
        await w.open("a")
        assert await waiting == 7
    assert waiting.cancel("why") is (phase != "finished")
    if phase == "finished":
        assert waiting.result() == 7
        assert await w.log() == ["start a", "end a"]
        return
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await w.open("a")
    await w.gather(w.call(echo, 1))
    if phase == "running":
        await w.seen("cancelled a")
    assert "end a" not in await w.log()


@VERBS
@scenario
async def test_a_timeout_around_it(w, verb):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:

            async def expire():
                await w.seen("start a")
                limit.reschedule(asyncio.get_running_loop().time())

            expiring = asyncio.create_task(expire())
            await verb(w, w.call(held, "a"))
    await expiring
    assert not asyncio.current_task().cancelling()
    await w.seen("cancelled a")


@VERBS
@scenario
async def test_asked_twice(w, verb):
    waiting = asyncio.create_task(verb(w, w.call(held, "a")))
    await w.seen("start a")
    assert waiting.cancel()
    assert waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await w.seen("cancelled a")
    assert (await w.log()).count("cancelled a") == 1


@PHASES
@scenario
async def test_cancelling_a_handle(w, phase):
    task = await w.start(w.call(held, "a", 7))
    if phase != "new":
        await w.seen("start a")
    if phase == "finished":
        await w.open("a")
        assert await task == 7
    assert task.cancel() is (phase != "finished")
    await asyncio.wait([task])
    assert task.cancelled() is (phase != "finished")
    await w.open("a")
    await w.gather(w.call(echo, 1))
    assert ("end a" in await w.log()) is (phase == "finished")


@PHASES
@scenario
async def test_cancelling_a_member(w, phase):
    async with w.task_group() as group:
        task = group.create_task(w.call(held, "a", 7))
        if phase != "new":
            await w.seen("start a")
        if phase == "finished":
            await w.open("a")
            assert await task == 7
        assert task.cancel() is (phase != "finished")
    assert task.cancelled() is (phase != "finished")


@PHASES
@scenario
async def test_cancelling_a_slot_of_a_batch(w, phase):
    batch = await w.submit([w.call(held, "a", 7), w.call(echo, 2)])
    if phase != "new":
        await w.seen("start a")
    if phase == "finished":
        await w.open("a")
        await asyncio.wait(batch.handles())
    await batch.cancel(0)
    first, second = await batch.outcomes()
    assert first == (("value", 7) if phase == "finished" else ("cancelled",))
    assert second == ("value", 2)


@PHASES
@scenario
async def test_a_shield(w, phase):
    task = await w.start(w.call(held, "a", 7))
    shield = asyncio.shield(task)
    if phase != "new":
        await w.seen("start a")
    if phase == "finished":
        await w.open("a")
        assert await shield == 7
    assert shield.cancel() is (phase != "finished")
    await w.open("a")
    assert await task == 7
    assert shield.cancelled() is (phase != "finished")
