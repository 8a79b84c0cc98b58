"""`gather`: values in order, the first error at once, cancellation of all that is left."""

import asyncio

import pytest

from .jobs import (
    cancel_itself,
    echo,
    fail,
    held,
    held_failure,
    nested_depth,
    nested_gather,
    nested_group,
)
from .scenario import scenario
from .worlds import told


@scenario
async def test_nothing_gathers_to_nothing(w):
    assert list(await w.gather()) == []


@scenario
async def test_nothing_gathers_to_nothing_with_exceptions_too(w):
    assert list(await w.gather(return_exceptions=True)) == []


@scenario
async def test_one_value_comes_alone(w):
    assert list(await w.gather(w.call(echo, "x"))) == ["x"]


@scenario
async def test_values_come_in_the_order_of_the_calls(w):
    gathering = asyncio.create_task(w.gather(*(w.call(held, name, name) for name in "abc")))
    await w.seen("start a", "start b", "start c")
    for name in "cba":
        await w.open(name)
        await w.seen(f"end {name}")
    assert list(await gathering) == ["a", "b", "c"]


@scenario
async def test_equal_calls_are_jobs_of_their_own(w):
    call = w.call(held, "a", 1)
    gathering = asyncio.create_task(w.gather(call, call, call))
    await w.seen("start a")
    await w.open("a")
    assert list(await gathering) == [1, 1, 1]
    assert (await w.log()).count("start a") == 3


@scenario
async def test_many_values(w):
    assert list(await w.gather(*(w.call(echo, n) for n in range(500)))) == list(range(500))


@scenario
async def test_the_first_error_is_raised_at_once_while_the_others_go_on(w):
    with pytest.raises(ValueError, match="b"):
        await w.gather(w.call(held, "a"), w.call(fail, "b"))
    await w.seen("start a")
    await w.open("a")
    await w.seen("end a")
    assert await w.log() == ["start a", "end a"]


@scenario
async def test_the_first_error_to_happen_is_raised_not_the_first_in_order(w):
    gathering = asyncio.create_task(
        w.gather(w.call(held_failure, "a"), w.call(held_failure, "b"), w.call(held, "c"))
    )
    await w.seen("start a", "start b", "start c")
    await w.open("b")
    with pytest.raises(ValueError, match="b"):
        await gathering
    await w.open("a", "c")
    await w.seen("end a", "end c")


@scenario
async def test_exceptions_stand_in_place_of_values(w):
    found = await w.gather(
        w.call(echo, 1),
        w.call(fail, "no"),
        w.call(cancel_itself),
        w.call(echo, None),
        return_exceptions=True,
    )
    assert [found[0], found[3]] == [1, None]
    assert told(found[1]) == ("error", "ValueError", ("no",))
    assert told(found[2]) == ("cancelled",)


@scenario
async def test_all_may_fail(w):
    found = await w.gather(*(w.call(fail, str(n)) for n in range(3)), return_exceptions=True)
    assert [told(error) for error in found] == [
        ("error", "ValueError", (str(n),)) for n in range(3)
    ]


@scenario
async def test_a_job_that_cancels_itself_raises_and_the_others_go_on(w):
    with pytest.raises(asyncio.CancelledError):
        await w.gather(w.call(cancel_itself), w.call(held, "a"))
    assert not asyncio.current_task().cancelling()
    await w.seen("start a")
    await w.open("a")
    await w.seen("end a")


@scenario
async def test_cancelled_it_cancels_all_that_run(w):
    gathering = asyncio.create_task(w.gather(*(w.call(held, name) for name in "abc")))
    await w.seen("start a", "start b", "start c")
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await w.seen("cancelled a", "cancelled b", "cancelled c")
    assert len(await w.log()) == 6


@scenario
async def test_cancelled_it_leaves_what_has_ended(w):
    ended, running = await w.start(w.call(echo, 1)), await w.start(w.call(held, "b"))
    await asyncio.wait([ended])
    await w.seen("start b")
    gathering = asyncio.gather(ended, running)
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    assert ended.result() == 1
    assert running.cancelled()
    assert await w.log() == ["start b", "cancelled b"]


@scenario
async def test_cancelled_it_cancels_with_exceptions_returned_too(w):
    gathering = asyncio.create_task(w.gather(w.call(held, "a"), return_exceptions=True))
    await w.seen("start a")
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_cancelled_before_it_begins_it_runs_nothing(w):
    # A task factory that is eager would begin it.
    gathering = asyncio.Task(w.gather(w.call(held, "a")))
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await w.gather(w.call(echo, 1))
    assert await w.log() == []


@scenario
async def test_cancelled_while_submitting_it_lets_nothing_run_to_its_end(w):
    calls = [w.call(held, "a")] * 2000
    gathering = asyncio.create_task(w.gather(*calls))
    for _ in range(3):  # the first turns of its way to the server
        await asyncio.sleep(0)
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await w.open("a")
    await w.gather(*(w.call(echo, n) for n in range(300)))
    assert "end a" not in await w.log()


@scenario
async def test_a_timeout_of_each_is_an_exception_in_its_place(w):
    found = await w.gather(
        w.call(held, "never"), w.call(echo, 1), timeout=0.3, return_exceptions=True
    )
    assert isinstance(found[0], TimeoutError)
    assert found[1] == 1


@scenario
async def test_a_timeout_cancels_its_job_only(w):
    gathering = asyncio.create_task(
        w.gather(
            w.call(held, "late").with_timeout(0.3), w.call(held, "b", 2), return_exceptions=True
        )
    )
    await w.seen("cancelled late", "start b")
    await w.open("b")
    late, value = await gathering
    assert isinstance(late, TimeoutError)
    assert value == 2


@scenario
async def test_a_job_may_gather(w):
    nested = asyncio.create_task(w.gather(w.call(nested_gather, "a", "b"), w.call(echo, 1)))
    await w.seen("start a", "start b")
    await w.open("a", "b")
    assert list(await nested) == [["a", "b"], 1]


@scenario
async def test_jobs_gather_jobs_that_gather(w):
    assert list(await w.gather(w.call(nested_depth, 4))) == [4]


@scenario
async def test_cancelled_it_cancels_what_its_jobs_gather(w):
    gathering = asyncio.create_task(w.gather(w.call(nested_gather, "a", "b")))
    await w.seen("start a", "start b")
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    await w.seen("cancelled a", "cancelled b")
    assert sorted(await w.log()) == ["cancelled a", "cancelled b", "start a", "start b"]


@scenario
async def test_a_group_inside_a_job_fails_as_a_group(w):
    gathering = asyncio.create_task(w.gather(w.call(nested_group, "a", "b")))
    await w.seen("start a", "start b")
    await w.open("a")
    with pytest.raises(ExceptionGroup) as caught:
        await gathering
    assert [told(error) for error in caught.value.exceptions] == [("error", "ValueError", ("a",))]
    assert (await w.log())[2:] == ["end a", "cancelled b"]


@scenario
async def test_gathers_side_by_side(w):
    first, second = await asyncio.gather(
        w.gather(w.call(echo, 1), w.call(echo, 2)), w.gather(w.call(echo, 3))
    )
    assert (list(first), list(second)) == ([1, 2], [3])
