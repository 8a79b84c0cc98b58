"""`TaskGroup`: jobs that end together."""

import asyncio

import pytest

from .jobs import cancel_itself, echo, fail, failing_cleanup, held, held_failure
from .scenario import scenario
from .worlds import told


def errors(caught):
    return sorted(told(error) for error in caught.value.exceptions)


@scenario
async def test_an_empty_group_is_left_at_once(w):
    async with w.task_group():
        pass


@scenario
async def test_all_have_ended_when_the_block_is_left(w):
    async with w.task_group() as group:
        tasks = [group.create_task(w.call(echo, n)) for n in range(20)]
    assert [task.result() for task in tasks] == list(range(20))


@scenario
async def test_a_member_may_be_awaited_in_the_block(w):
    async with w.task_group() as group:
        first = group.create_task(w.call(echo, 1))
        second = group.create_task(w.call(echo, await first + 1))
    assert second.result() == 2


@scenario
async def test_members_may_be_added_while_others_run(w):
    async with w.task_group() as group:
        group.create_task(w.call(held, "a"))
        await w.seen("start a")
        group.create_task(w.call(held, "b"))
        await w.seen("start b")
        await w.open("a", "b")
    assert sorted(await w.log()) == ["end a", "end b", "start a", "start b"]


@scenario
async def test_the_first_failure_cancels_the_others(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            others = [group.create_task(w.call(held, name)) for name in "ab"]
            await w.seen("start a", "start b")
            group.create_task(w.call(fail, "no"))
    assert errors(caught) == [("error", "ValueError", ("no",))]
    assert [other.cancelled() for other in others] == [True, True]
    assert sorted(await w.log()) == ["cancelled a", "cancelled b", "start a", "start b"]


@scenario
async def test_a_failure_cancels_the_block(w):
    reached = []
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            group.create_task(w.call(fail, "no"))
            await asyncio.Event().wait()
            reached.append("the end")
    assert errors(caught) == [("error", "ValueError", ("no",))]
    assert reached == []
    assert not asyncio.current_task().cancelling()


@scenario
async def test_a_failing_clean_up_hides_no_failure(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            group.create_task(w.call(failing_cleanup, "a"))
            await w.seen("start a")
            group.create_task(w.call(fail, "no"))
    # Here the error of the clean-up is told too; on the pool the job is cancelled, and that is all.
    assert ("error", "ValueError", ("no",)) in errors(caught)
    assert "cancelled a" in await w.log()


@scenario
async def test_what_ended_before_the_failure_keeps_its_value(w):
    with pytest.raises(ExceptionGroup):
        async with w.task_group() as group:
            ended = group.create_task(w.call(echo, 1))
            await ended
            group.create_task(w.call(fail, "no"))
    assert ended.result() == 1


@scenario
async def test_an_error_of_the_block_cancels_the_members(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            task = group.create_task(w.call(held, "a"))
            await w.seen("start a")
            raise KeyError("mine")
    assert errors(caught) == [("error", "KeyError", ("mine",))]
    assert task.cancelled()
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_an_error_right_after_creation_lets_nothing_run(w):
    with pytest.raises(ExceptionGroup):
        async with w.task_group() as group:
            task = group.create_task(w.call(held, "a"))
            raise KeyError
    assert task.cancelled()
    await w.gather(w.call(echo, 1))
    assert await w.log() == []


@scenario
async def test_a_member_cancelled_before_it_began_never_runs(w):
    async with w.task_group() as group:
        task = group.create_task(w.call(held, "a"))
        assert task.cancel()
    assert task.cancelled()
    await w.gather(w.call(echo, 1))
    assert await w.log() == []


@scenario
async def test_a_cancelled_member_is_no_failure(w):
    async with w.task_group() as group:
        task = group.create_task(w.call(held, "a"))
        other = group.create_task(w.call(held, "b", 2))
        await w.seen("start a", "start b")
        task.cancel()
        await w.seen("cancelled a")
        await w.open("b")
    assert task.cancelled()
    assert other.result() == 2


@scenario
async def test_a_member_that_cancels_itself_is_no_failure(w):
    async with w.task_group() as group:
        task = group.create_task(w.call(cancel_itself))
        other = group.create_task(w.call(echo, 1))
    assert task.cancelled()
    assert other.result() == 1


@scenario
async def test_cancelling_the_block_cancels_the_members(w):
    async def block():
        async with w.task_group() as group:
            group.create_task(w.call(held, "a"))
            group.create_task(w.call(held, "b"))
            await w.seen("start a", "start b")
            entered.set()

    entered = asyncio.Event()
    running = asyncio.create_task(block())
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(await w.log()) == ["cancelled a", "cancelled b", "start a", "start b"]


@scenario
async def test_a_timeout_around_the_block_cancels_the_members(w):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit, w.task_group() as group:
            group.create_task(w.call(held, "a"))
            await w.seen("start a")
            limit.reschedule(asyncio.get_running_loop().time())
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_groups_inside_groups(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as outer:
            task = outer.create_task(w.call(held, "a"))
            await w.seen("start a")
            async with w.task_group() as inner:
                inner.create_task(w.call(fail, "no"))
    (nested,) = caught.value.exceptions
    assert [told(error) for error in nested.exceptions] == [("error", "ValueError", ("no",))]
    assert task.cancelled()


@scenario
async def test_a_closed_group_takes_nothing(w):
    async with w.task_group() as group:
        pass
    with pytest.raises(RuntimeError):
        group.create_task(w.call(echo, 1))


@scenario
async def test_a_group_that_was_not_entered_takes_nothing(w):
    with pytest.raises(RuntimeError):
        w.task_group().create_task(w.call(echo, 1))


@scenario
async def test_equal_calls_are_members_of_their_own(w):
    call = w.call(echo, 1)
    async with w.task_group() as group:
        tasks = [group.create_task(call) for _ in range(3)]
    assert len(set(tasks)) == 3
    assert [task.result() for task in tasks] == [1, 1, 1]


@scenario
async def test_failures_at_the_gate_cancel_what_waits(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            group.create_task(w.call(held_failure, "a"))
            group.create_task(w.call(held, "b"))
            await w.seen("start a", "start b")
            await w.open("a")
    assert errors(caught) == [("error", "ValueError", ("a",))]
    assert (await w.log())[2:] == ["end a", "cancelled b"]
