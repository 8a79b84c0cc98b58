"""`as_completed`: in the order in which the jobs end."""

import asyncio

import pytest

from .jobs import cancel_itself, echo, fail, held, held_failure
from .scenario import scenario


@scenario
async def test_nothing_completes_at_once(w):
    batch = await w.submit([])
    assert [found async for found in batch.as_completed()] == []


@scenario
async def test_one_completes(w):
    batch = await w.submit([w.call(echo, 1)])
    assert [found async for found in batch.as_completed()] == [("value", 1)]


@scenario
async def test_the_order_is_that_of_completion(w):
    batch = await w.submit([w.call(held, name, name) for name in "abc"])
    await w.seen("start a", "start b", "start c")
    found, gates = [], ["c", "a", "b"]
    await w.open(gates.pop(0))
    async for each in batch.as_completed():
        found.append(each)
        if gates:
            await w.open(gates.pop(0))
    assert found == [("value", "c"), ("value", "a"), ("value", "b")]


@scenario
async def test_errors_and_cancellations_come_in_their_turn(w):
    batch = await w.submit([w.call(held_failure, "a"), w.call(held, "b"), w.call(cancel_itself)])
    found = []
    async for each in batch.as_completed():
        found.append(each)
        if len(found) < 3:
            await w.open("ba"[len(found) - 1])
    assert found == [("cancelled",), ("value", None), ("error", "ValueError", ("a",))]


@scenario
async def test_what_has_ended_comes_at_once(w):
    batch = await w.submit([w.call(echo, n) for n in range(300)])
    await batch.outcomes()
    found = [each async for each in batch.as_completed()]
    assert sorted(found) == [("value", n) for n in range(300)]


@scenario
async def test_equal_calls_complete_each(w):
    batch = await w.submit([w.call(echo, 1)] * 3)
    assert [found async for found in batch.as_completed()] == [("value", 1)] * 3


@scenario
async def test_a_timeout_is_raised_after_what_came(w):
    batch = await w.submit([w.call(held, "a", 1), w.call(echo, 2)])
    await asyncio.wait([batch.handles()[1]])
    found = []
    with pytest.raises(TimeoutError):
        async for each in batch.as_completed(timeout=0.1):
            found.append(each)
    assert found == [("value", 2)]
    await w.open("a")
    assert await batch.outcomes() == [("value", 1), ("value", 2)]


@scenario
async def test_a_timeout_that_is_not_reached_is_not_raised(w):
    batch = await w.submit([w.call(echo, 1)])
    assert [found async for found in batch.as_completed(timeout=30)] == [("value", 1)]


@scenario
async def test_leaving_the_loop_cancels_nothing(w):
    batch = await w.submit([w.call(held, "a", 1), w.call(fail, "no")])
    async for found in batch.as_completed():
        assert found == ("error", "ValueError", ("no",))
        break
    await w.open("a")
    assert (await batch.outcomes())[0] == ("value", 1)


@scenario
async def test_two_may_read(w):
    async def read():
        return [found async for found in batch.as_completed()]

    batch = await w.submit([w.call(held, name, name) for name in "ab"])
    readers = [asyncio.create_task(read()) for _ in range(2)]
    await w.seen("start a", "start b")
    await w.open("b")
    await w.seen("end b")
    await asyncio.wait([batch.handles()[1]])
    await w.open("a")
    assert [await reader for reader in readers] == [[("value", "b"), ("value", "a")]] * 2
