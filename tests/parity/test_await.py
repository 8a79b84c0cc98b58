"""`await task`: a handle is a Task whose code runs elsewhere."""

import asyncio

import pytest

from .jobs import cancel_itself, echo, fail, fail_with_group, held, own_timeout
from .scenario import scenario


@scenario
async def test_awaiting_gives_the_value(w):
    assert await (await w.start(w.call(echo, 7))) == 7


@scenario
async def test_none_is_a_value(w):
    assert await (await w.start(w.call(echo, None))) is None


@scenario
async def test_it_may_be_awaited_many_times(w):
    task = await w.start(w.call(echo, [1]))
    assert [await task, await task] == [[1], [1]]


@scenario
async def test_any_number_may_await_it_at_once(w):
    async def wait():
        return await task

    task = await w.start(w.call(held, "a", 3))
    waiters = [asyncio.create_task(wait()) for _ in range(5)]
    await w.seen("start a")
    await w.open("a")
    assert [await waiter for waiter in waiters] == [3] * 5


@scenario
async def test_it_runs_before_it_is_awaited(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    await w.open("a")
    await task
    assert await w.log() == ["start a", "end a"]


@scenario
async def test_tasks_run_side_by_side(w):
    first, second = await w.start(w.call(held, "a", 1)), await w.start(w.call(held, "b", 2))
    await w.seen("start a", "start b")
    await w.open("b")
    assert await second == 2
    await w.open("a")
    assert await first == 1
    assert (await w.log())[2:] == ["end b", "end a"]


@scenario
async def test_an_error_is_raised_where_it_is_awaited(w):
    task = await w.start(w.call(fail, "no"))
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await task


@scenario
async def test_a_group_of_errors_is_raised_as_a_group(w):
    task = await w.start(w.call(fail_with_group))
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert [type(error) for error in caught.value.exceptions] == [KeyError, ValueError]


@scenario
async def test_a_timeout_error_of_its_own_is_an_error(w):
    with pytest.raises(TimeoutError, match="mine"):
        await (await w.start(w.call(own_timeout)))


@scenario
async def test_what_has_ended_answers_at_once(w):
    task = await w.start(w.call(echo, 1))
    await asyncio.wait([task])
    assert task.done()
    assert not task.cancelled()
    assert task.result() == 1
    assert task.exception() is None
    assert not task.cancel()


@scenario
async def test_the_exception_is_told_without_raising(w):
    task = await w.start(w.call(fail, "no"))
    await asyncio.wait([task])
    error = task.exception()
    assert isinstance(error, ValueError)
    assert error.args == ("no",)
    with pytest.raises(ValueError, match="no"):
        task.result()


@scenario
async def test_a_pending_one_has_no_result_yet(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    assert not task.done()
    assert not task.cancelled()
    with pytest.raises(asyncio.InvalidStateError):
        task.result()
    with pytest.raises(asyncio.InvalidStateError):
        task.exception()
    await w.open("a")
    await task


@scenario
async def test_a_callback_is_called_with_the_task(w):
    task = await w.start(w.call(echo, 1))
    called = asyncio.get_running_loop().create_future()
    task.add_done_callback(called.set_result)
    assert await called is task


@scenario
async def test_cancelling_it_cancels_the_job(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    assert task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_it_may_be_cancelled_twice(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    assert task.cancel()
    assert task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not task.cancel()
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_cancelling_who_awaits_it_cancels_the_job(w):
    async def wait():
        await task

    task = await w.start(w.call(held, "a"))
    waiter = asyncio.create_task(wait())
    await w.seen("start a")
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert task.cancelled()
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_a_job_that_cancels_itself_is_cancelled(w):
    task = await w.start(w.call(cancel_itself))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert not asyncio.current_task().cancelling()


@scenario
async def test_the_canceller_is_not_cancelled_with_it(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    task.cancel()
    done, pending = await asyncio.wait([task])
    assert (done, pending) == ({task}, set())
    with pytest.raises(asyncio.CancelledError):
        task.exception()


@scenario
async def test_asyncio_gathers_what_was_started(w):
    first, second = await w.start(w.call(held, "a", 1)), await w.start(w.call(echo, 2))
    await w.open("a")
    assert await asyncio.gather(first, second, first) == [1, 2, 1]


@scenario
async def test_a_gather_of_started_ones_cancels_them_when_it_is_cancelled(w):
    tasks = [await w.start(w.call(held, name)) for name in "ab"]
    gathering = asyncio.gather(*tasks)
    await w.seen("start a", "start b")
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering  # it does not wait for the second
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [True, True]
    assert sorted(await w.log()) == ["cancelled a", "cancelled b", "start a", "start b"]
