"""Outcomes of endless input, with back-pressure."""

import asyncio
from contextlib import aclosing
from functools import partial
from itertools import count

import pytest

from gatherq import call, job
from gatherq.client.handle import Handle, settle
from gatherq.client.misuse.checks import call_maker
from gatherq.client.ordered_map import calls_of, map_calls
from gatherq.telemetry.producer_spans import Waiting
from tests.conftest import until

from .conftest import succeeded


class Buffer:
    """Makes handles, which end when a test says so: at once, if `ready`."""

    def __init__(self, ready):
        self.ready, self.handles = ready, []

    def add(self, each):
        handle = Handle(each)
        self.handles.append(handle)
        if self.ready:
            self.end(len(self.handles) - 1)
        return handle

    def end(self, n):
        settle(self.handles[n], succeeded(0, n))


async def calls(items):
    for n in items:
        yield call("f", n)


def map_all(buffer, calls, window, ordered=True):
    return map_calls(buffer, calls, window, ordered, Waiting(None, "map"))


async def test_no_more_than_the_window_is_taken_and_not_yielded():
    buffer = Buffer(ready=False)
    async with until(5), aclosing(map_all(buffer, calls(count()), 3)) as outcomes:
        first = asyncio.create_task(anext(outcomes))
        while len(buffer.handles) < 3:
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(buffer.handles) == 3
        buffer.end(0)
        assert (await first).value == 0
    assert all(handle.cancelled() for handle in buffer.handles[1:])  # leaving cancels the rest


@pytest.mark.parametrize(("ordered", "values"), [(True, [0, 1, 2]), (False, [2, 0, 1])])
async def test_outcomes_come_in_order_or_as_completed(ordered, values):
    buffer = Buffer(ready=False)
    async with until(5), aclosing(map_all(buffer, calls(range(3)), 9, ordered)) as outcomes:
        first = asyncio.create_task(anext(outcomes))
        while len(buffer.handles) < 3:
            await asyncio.sleep(0)
        for n in (2, 0, 1):
            buffer.end(n)
        found = [await first] + [outcome async for outcome in outcomes]
    assert [outcome.value for outcome in found] == values
    assert [outcome.slot for outcome in found] == values  # the index of the item


async def test_an_error_of_the_input_comes_after_the_outcomes_before_it():
    async def broken():
        yield call("f", 0)
        yield call("f", 1)
        raise ValueError("input")

    outcomes = map_all(Buffer(ready=True), broken(), 9)
    async with until(5):
        assert [(await anext(outcomes)).value for _ in range(2)] == [0, 1]
        with pytest.raises(ValueError, match="input"):
            await anext(outcomes)


@job(name="chop")
async def chop(vegetable: str) -> str:
    return vegetable


@pytest.mark.parametrize("what", ["chop", chop, chop.call, partial(call, "chop")])
@pytest.mark.parametrize("asynchronous", [True, False])
async def test_a_call_is_made_of_each_item(what, asynchronous):
    async def items():
        yield "leek"

    given = items() if asynchronous else ["leek"]
    made = [each async for each in calls_of(call_maker(what), given)]
    assert [(each.name, each.args) for each in made] == [("chop", ("leek",))]
