"""asyncio's rules at the edges: messages, callbacks, names, limits, empty sets, groups."""

import asyncio
import sys
from contextvars import ContextVar, copy_context

import pytest

from .jobs import echo, fail, held, held_failure, nested_depth, nested_gather, nested_group
from .scenario import scenario
from .worlds import told

variable = ContextVar("variable", default="none")


# Messages


@pytest.mark.parametrize("message", ["why", "", 7, ("a", 1)])
@scenario
async def test_a_cancellation_carries_its_message(w, message):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    task.cancel(message)
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == (message,)


@scenario
async def test_the_message_of_who_awaits_it_arrives(w):
    async def wait():
        await task

    task = await w.start(w.call(held, "a"))
    waiting = asyncio.create_task(wait())
    await w.seen("start a")
    waiting.cancel("why")
    with pytest.raises(asyncio.CancelledError) as caught:
        await waiting
    assert caught.value.args == ("why",)


@scenario
async def test_a_members_message_arrives(w):
    async with w.task_group() as group:
        task = group.create_task(w.call(held, "a"))
        await w.seen("start a")
        task.cancel("why")
    with pytest.raises(asyncio.CancelledError) as caught:
        task.result()
    assert caught.value.args == ("why",)


# Callbacks


@scenario
async def test_callbacks_are_called_in_order(w):
    called, last = [], asyncio.Event()
    task = await w.start(w.call(echo, 1))
    for n in range(5):
        task.add_done_callback(lambda _, n=n: called.append(n))
    task.add_done_callback(lambda _: last.set())
    await last.wait()
    assert called == [0, 1, 2, 3, 4]


@scenario
async def test_a_callback_of_one_that_has_ended_is_called_soon(w):
    task = await w.start(w.call(echo, 1))
    await task
    called = []
    task.add_done_callback(called.append)
    assert called == []
    await asyncio.sleep(0)
    assert called == [task]


@scenario
async def test_a_callback_may_be_removed(w):
    task = await w.start(w.call(echo, 1))
    called = []
    task.add_done_callback(called.append)
    task.add_done_callback(called.append)
    assert task.remove_done_callback(called.append) == 2
    assert task.remove_done_callback(called.append) == 0
    await task
    await asyncio.sleep(0)
    assert called == []


@scenario
async def test_a_callback_runs_in_the_context_of_the_adding(w):
    seen = asyncio.get_running_loop().create_future()
    task = await w.start(w.call(echo, 1))
    variable.set("adding")
    task.add_done_callback(lambda _: seen.set_result(variable.get()))
    variable.set("later")
    assert await seen == "adding"


@scenario
async def test_a_callback_runs_in_the_context_it_is_given(w):
    seen = asyncio.get_running_loop().create_future()
    context = copy_context()
    context.run(variable.set, "given")
    task = await w.start(w.call(echo, 1))
    task.add_done_callback(lambda _: seen.set_result(variable.get()), context=context)
    assert await seen == "given"


@scenario
async def test_a_callback_of_one_that_has_ended_runs_in_its_context_too(w):
    task = await w.start(w.call(echo, 1))
    await task
    seen = asyncio.get_running_loop().create_future()
    variable.set("adding")
    task.add_done_callback(lambda _: seen.set_result(variable.get()))
    variable.set("later")
    assert await seen == "adding"


@scenario
async def test_a_members_callback_runs_in_the_context_of_the_adding(w):
    async with w.task_group() as group:
        seen = asyncio.get_running_loop().create_future()
        task = group.create_task(w.call(echo, 1))
        variable.set("adding")
        task.add_done_callback(lambda _: seen.set_result(variable.get()))
        variable.set("later")
    assert await seen == "adding"


@scenario
async def test_a_callback_that_raises_disturbs_no_other(w):
    loop = asyncio.get_running_loop()
    reported, called = [], asyncio.Event()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def broken(_):
        raise KeyError("callback")

    task = await w.start(w.call(echo, 1))
    task.add_done_callback(broken)
    task.add_done_callback(lambda _: called.set())
    assert await task == 1
    await called.wait()
    assert [repr(error) for error in reported] == ["KeyError('callback')"]


# Of a Task


@scenario
async def test_nobody_else_sets_its_result(w):
    task = await w.start(w.call(held, "a", 1))
    with pytest.raises(RuntimeError, match="does not support set_result"):
        task.set_result(2)
    with pytest.raises(RuntimeError, match="does not support set_exception"):
        task.set_exception(KeyError())
    await w.open("a")
    assert await task == 1


@scenario
async def test_nobody_else_sets_a_members_result(w):
    async with w.task_group() as group:
        task = group.create_task(w.call(echo, 1))
        with pytest.raises(RuntimeError):
            task.set_result(2)
        with pytest.raises(RuntimeError):
            task.set_exception(KeyError())
    assert task.result() == 1
    with pytest.raises(RuntimeError):
        task.set_result(2)


@scenario
async def test_it_has_a_name(w):
    task = await w.start(w.call(echo, 1), name="carrot")
    assert task.get_name() == "carrot"
    assert "carrot" in repr(task)
    task.set_name(7)
    assert task.get_name() == "7"
    await task
    assert "7" in repr(task)


@scenario
async def test_a_member_has_a_name(w):
    async with w.task_group() as group:
        task = group.create_task(w.call(echo, 1), name="carrot", context=copy_context())
        assert task.get_name() == "carrot"


@scenario
async def test_it_has_a_name_without_one(w):
    task = await w.start(w.call(echo, 1))
    assert isinstance(task.get_name(), str)
    await task


@scenario
async def test_it_knows_its_loop(w):
    task = await w.start(w.call(echo, 1))
    assert task.get_loop() is asyncio.get_running_loop()
    assert asyncio.isfuture(task)
    assert asyncio.ensure_future(task) is task
    await task


# Limits


@pytest.mark.parametrize("limit", [0, -1])
@scenario
async def test_wait_for_without_any_time(w, limit):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(task, limit)
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("limit", [0, -1, None, 30])
@scenario
async def test_wait_for_what_has_ended(w, limit):
    task = await w.start(w.call(echo, 1))
    await task
    assert await asyncio.wait_for(task, limit) == 1


@scenario
async def test_wait_for_ever(w):
    task = await w.start(w.call(held, "a", 1))
    waiting = asyncio.create_task(asyncio.wait_for(task, None))
    await w.seen("start a")
    await w.open("a")
    assert await waiting == 1


@scenario
async def test_wait_for_a_shield(w):
    task = await w.start(w.call(held, "a", 1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.01)
    assert not task.done()
    await w.open("a")
    assert await task == 1


@scenario
async def test_wait_for_one_that_fails(w):
    with pytest.raises(ValueError, match="no"):
        await asyncio.wait_for(await w.start(w.call(fail, "no")), 30)


@scenario
async def test_timeouts_inside_timeouts(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    async with asyncio.timeout(30) as outer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await task
    assert not outer.expired()
    assert task.cancelled()


@scenario
async def test_the_outer_timeout_of_two(w):
    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01) as outer, asyncio.timeout(30) as inner:
            await task
    assert (outer.expired(), inner.expired()) == (True, False)


@scenario
async def test_a_cancellation_that_is_caught_and_uncancelled(w):
    async def wait():
        try:
            await task
        except asyncio.CancelledError:
            assert asyncio.current_task().uncancel() == 0
        return (await w.gather(w.call(echo, 5)))[0]

    task = await w.start(w.call(held, "a"))
    await w.seen("start a")
    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    assert await waiting == 5


# Sets


@scenario
async def test_a_gather_of_nothing(w):
    assert list(await w.gather()) == []
    assert list(await w.gather(return_exceptions=True)) == []


@scenario
async def test_waiting_for_nothing(w):
    with pytest.raises(ValueError, match=r"[Ee]mpty"):
        await (await w.submit([])).wait()


@scenario
async def test_the_outcomes_of_nothing_as_completed(w):
    assert [each async for each in (await w.submit([])).as_completed()] == []


@scenario
async def test_started_ones_and_coroutines_are_gathered_together(w):
    async def local():
        return 2

    task = await w.start(w.call(echo, 1))
    assert await asyncio.gather(task, local(), task, w.gather(w.call(echo, 3))) in (
        [1, 2, 1, [3]],
        [1, 2, 1, (3,)],
    )


@scenario
async def test_a_gather_of_started_ones_with_errors(w):
    tasks = [await w.start(call) for call in (w.call(fail, "no"), w.call(echo, 1))]
    first, second = await asyncio.gather(*tasks, return_exceptions=True)
    assert (told(first), second) == (("error", "ValueError", ("no",)), 1)


@scenario
async def test_a_cancelled_one_in_a_gather(w):
    task, other = await w.start(w.call(held, "a")), await w.start(w.call(echo, 1))
    await w.seen("start a")
    task.cancel("why")
    first, second = await asyncio.gather(task, other, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert second == 1


@scenario
async def test_gathers_of_gathers(w):
    inner = [asyncio.gather(await w.start(w.call(echo, n))) for n in range(3)]
    assert await asyncio.gather(*inner) == [[0], [1], [2]]


@scenario
async def test_duplicates_in_wait(w):
    task = await w.start(w.call(echo, 1))
    done, pending = await asyncio.wait([task, task])
    assert (done, pending) == ({task}, set())


@scenario
async def test_duplicates_in_as_completed(w):
    task = await w.start(w.call(echo, 1))
    assert [await each for each in asyncio.as_completed([task, task])] == [1]


@pytest.mark.parametrize("rule", [asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION])
@scenario
async def test_waiting_for_the_first(w, rule):
    waiting = await w.start(w.call(held, "a"))
    failing = await w.start(w.call(fail, "no"))
    done, pending = await asyncio.wait([waiting, failing], return_when=rule)
    assert (done, pending) == ({failing}, {waiting})
    await w.open("a")
    await waiting


@pytest.mark.parametrize("limit", [0, 0.01])
@scenario
async def test_waiting_for_a_while(w, limit):
    task = await w.start(w.call(held, "a", 1))
    assert await asyncio.wait([task], timeout=limit) == (set(), {task})
    await w.open("a")
    assert await task == 1


@scenario
async def test_as_completed_gives_what_it_was_given(w):
    """Since Python 3.13 it is an asynchronous iterator, too."""
    tasks = {await w.start(w.call(echo, n)): n for n in range(3)}
    found = {}
    if sys.version_info >= (3, 13):
        async for task in asyncio.as_completed(tasks):
            found[task] = await task
    else:
        for each in asyncio.as_completed(tasks):
            value = await each
            found[next(task for task, n in tasks.items() if n == value)] = value
    assert found == tasks


# Groups


@scenario
async def test_the_body_that_awaits_a_failing_member_is_cancelled(w):
    seen = []
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            try:
                await group.create_task(w.call(fail, "no"))
            except BaseException as error:
                seen.append(type(error))
                raise
            seen.append("went on")
    assert seen == [asyncio.CancelledError]
    assert [told(error) for error in caught.value.exceptions] == [("error", "ValueError", ("no",))]
    assert not asyncio.current_task().cancelling()


@scenario
async def test_the_error_of_a_member_is_not_lost_with_the_body(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            try:
                await group.create_task(w.call(fail, "no"))
            except ValueError:
                pytest.fail("the body saw the error of its member")
            except asyncio.CancelledError:
                raise KeyError("body") from None
    assert sorted(told(error) for error in caught.value.exceptions) == [
        ("error", "KeyError", ("body",)),
        ("error", "ValueError", ("no",)),
    ]


@scenario
async def test_a_body_that_gathers_a_failing_member_sees_its_error(w):
    seen = []
    with pytest.raises(ExceptionGroup):
        async with w.task_group() as group:
            members = [group.create_task(w.call(held, "a")), group.create_task(w.call(fail, "no"))]
            try:
                await asyncio.gather(*members)
            except BaseException as error:
                seen.append(type(error))
                raise
    assert seen == [ValueError]


@scenario
async def test_a_body_that_waits_for_a_failing_member_is_cancelled(w):
    seen = []
    with pytest.raises(ExceptionGroup):
        async with w.task_group() as group:
            member = group.create_task(w.call(fail, "no"))
            try:
                await asyncio.wait([member])
            except BaseException as error:
                seen.append(type(error))
                raise
    assert seen == [asyncio.CancelledError]


@scenario
async def test_a_body_that_awaits_a_cancelled_member_is_told(w):
    seen = []
    async with w.task_group() as group:
        member = group.create_task(w.call(held, "a"))
        await w.seen("start a")
        member.cancel()
        try:
            await member
        except asyncio.CancelledError:
            seen.append(asyncio.current_task().cancelling())
    assert seen == [0]


@scenario
async def test_a_body_cancelled_by_its_member_and_by_another(w):
    async def block():
        async with w.task_group() as group:
            group.create_task(w.call(held_failure, "a"))
            await asyncio.Event().wait()

    running = asyncio.create_task(block())
    await w.seen("start a")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await w.seen("cancelled a")


@scenario
async def test_a_base_exception_of_the_block_is_raised_as_it_is(w):
    class Stop(BaseException):
        pass

    with pytest.raises(BaseExceptionGroup) as caught:
        async with w.task_group() as group:
            task = group.create_task(w.call(held, "a"))
            await w.seen("start a")
            raise Stop
    assert [type(error) for error in caught.value.exceptions] == [Stop]
    assert task.cancelled()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@scenario
async def test_what_ends_a_loop_is_raised_without_a_group(w, error):
    with pytest.raises(error):
        async with w.task_group() as group:
            task = group.create_task(w.call(held, "a"))
            await w.seen("start a")
            raise error
    assert task.cancelled()


@scenario
async def test_a_group_is_entered_once(w):
    async with w.task_group() as group:
        with pytest.raises(RuntimeError):
            await group.__aenter__()


@scenario
async def test_a_group_that_ends_takes_nothing(w):
    with pytest.raises(ExceptionGroup):
        async with w.task_group() as group:
            group.create_task(w.call(held, "a"))
            group.create_task(w.call(fail, "no"))
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                with pytest.raises(RuntimeError):
                    group.create_task(w.call(echo, 1))
                raise


@scenario
async def test_two_failures_are_one_group(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as group:
            group.create_task(w.call(fail, "a"))
            await asyncio.sleep(0)
            raise KeyError("b")
    assert ("error", "KeyError", ("b",)) in [told(error) for error in caught.value.exceptions]


@scenario
async def test_groups_of_groups_end_together(w):
    async def inner(name):
        async with w.task_group() as group:
            group.create_task(w.call(held, name))

    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as outer:
            for name in "abc":
                outer.create_task(inner(name))
            await w.seen("start a", "start b", "start c")
            raise KeyError
    await w.seen("cancelled a", "cancelled b", "cancelled c")


@scenario
async def test_a_group_inside_of_a_failing_groups_clean_up(w):
    with pytest.raises(ExceptionGroup) as caught:
        async with w.task_group() as outer:
            outer.create_task(w.call(fail, "outer"))
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                async with w.task_group() as inner:
                    inner.create_task(w.call(fail, "inner"))
    assert len(caught.value.exceptions) == 2


@scenario
async def test_a_member_that_ended_may_be_asked_later(w):
    async with w.task_group() as group:
        task = group.create_task(w.call(echo, 1))
    assert task.done()
    assert (task.result(), await task, task.exception()) == (1, 1, None)
    assert not task.cancel()


# Inside of a job


@scenario
async def test_gathers_inside_of_jobs(w):
    await w.open("a", "b")
    assert list(await w.gather(w.call(nested_gather, "a", "b"))) == [["a", "b"]]


@pytest.mark.parametrize("nested", [nested_gather, nested_group])
@scenario
async def test_cancelling_a_job_that_waits_for_others(w, nested):
    task = await w.start(w.call(nested, "a", "b"))
    await w.seen("start a", "start b")
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await w.seen("cancelled a", "cancelled b")


@scenario
async def test_jobs_three_deep(w):
    assert await (await w.start(w.call(nested_depth, 3))) == 3
