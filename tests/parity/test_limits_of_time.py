"""Limits that are over at once, gathers of many kinds, and failures inside of jobs that gather."""

import asyncio

import pytest

from .jobs import echo, fail, held, nested_gather, nested_group
from .scenario import scenario
from .worlds import ending, told

OVER = pytest.mark.parametrize("limit", [0, -1, -1e9])


@OVER
@scenario
async def test_a_timeout_that_is_over_at_once(w, limit):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(limit):
            await task
    assert task.cancelled()
    await w.seen("cancelled a")
    assert asyncio.current_task().cancelling() == 0


@OVER
@scenario
async def test_a_timeout_that_is_over_around_a_gather(w, limit):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(limit):
            await w.gather(w.call(held, "a"), w.call(held, "b"))
    assert list(await w.gather(w.call(echo, 1))) == [1]


@OVER
@scenario
async def test_a_timeout_that_is_over_inside_of_another(w, limit):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    async with asyncio.timeout(30) as outer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(limit):
                await task
        assert list(await w.gather(w.call(echo, 1))) == [1]
    assert not outer.expired()


@OVER
@scenario
async def test_a_timeout_that_is_over_outside_of_another(w, limit):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(limit) as outer:
            async with asyncio.timeout(30) as inner:
                await task
    assert (outer.expired(), inner.expired()) == (True, False)


@scenario
async def test_started_ones_beside_coroutines_that_fail(w):
    async def broken():
        raise KeyError("local")

    started = [await w.start(w.call(echo, 1)), await w.start(w.call(fail, "far"))]
    results = await asyncio.gather(*started, broken(), asyncio.sleep(0, 4), return_exceptions=True)
    assert (results[0], results[3]) == (1, 4)
    assert told(results[1]) == ("error", "ValueError", ("far",))
    assert told(results[2]) == ("error", "KeyError", ("local",))


@scenario
async def test_the_first_failure_beside_coroutines_is_raised_and_the_rest_goes_on(w):
    async def broken():
        await w.seen("start a")
        raise KeyError("local")

    task = await w.start(w.call(held, "a", 1))
    with pytest.raises(KeyError):
        await asyncio.gather(task, broken())
    assert not task.done()
    await w.open("a")
    assert await task == 1


@scenario
async def test_cancelling_a_gather_of_started_ones_and_coroutines(w):
    task = await w.start(w.call(held, "a"))
    gathering = asyncio.gather(task, asyncio.sleep(60))
    await w.seen("start a")
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await asyncio.wait([task])
    assert ending(task) == ("cancelled",)


@scenario
async def test_a_group_inside_of_a_job_that_fails(w):
    task = await w.start(w.call(nested_group, "a", "b"))
    await w.seen("start a", "start b")
    await w.open("a")
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert [told(error) for error in caught.value.exceptions] == [("error", "ValueError", ("a",))]
    await w.seen("cancelled b")


@scenario
async def test_gathers_inside_of_jobs_beside_one_that_fails(w):
    with pytest.raises(ValueError, match="far"):
        await w.gather(w.call(nested_gather, "a", "b"), w.call(fail, "far"))
    await w.seen("start a", "start b")
    await w.open("a", "b")
    await w.seen("end a", "end b")


@scenario
async def test_a_members_callback_that_raises_is_reported(w):
    reported = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.append(context["exception"])
    )

    def broken(_):
        raise KeyError("callback")

    async with w.task_group() as group:
        task = group.create_task(w.call(echo, 1))
        task.add_done_callback(broken)
    while not reported:
        await asyncio.sleep(0)
    assert [repr(error) for error in reported] == ["KeyError('callback')"]
    assert task.result() == 1
