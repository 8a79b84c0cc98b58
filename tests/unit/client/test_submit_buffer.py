"""Calls of one turn of the loop are one batch."""

import asyncio

import pytest

from gatherq import call
from gatherq.client.batch import Batch
from gatherq.client.submit_buffer import SubmitBuffer
from gatherq.errors import InvalidCall
from tests.conftest import until


class Submit:
    """Notes the calls of each batch; fails while `error` is set, and waits for `go_on`."""

    def __init__(self, session):
        self._session = session
        self.batches, self.error, self.begun = [], None, asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, calls):
        self.batches.append([each.args[0] for each in calls])
        self.begun.set()
        await self.go_on.wait()
        if self.error:
            raise self.error
        return Batch(self._session, f"b{len(self.batches)}", len(calls))


@pytest.fixture
async def submit(session):
    return Submit(session)


@pytest.fixture
async def buffer(session, submit):
    return SubmitBuffer(session, submit)


async def test_calls_of_one_turn_are_one_batch(buffer, submit):
    handles = [buffer.add(call("f", n)) for n in range(3)]
    async with until(5):
        await buffer.wait_written(handles[-1])
    assert submit.batches == [[0, 1, 2]]
    assert [handle.id for handle in handles] == ["b1:0", "b1:1", "b1:2"]


async def test_calls_that_come_during_a_write_are_the_next_batch(buffer, submit):
    submit.go_on.clear()
    buffer.add(call("f", 0))
    async with until(5):
        await submit.begun.wait()
        last = [buffer.add(call("f", n)) for n in (1, 2)][-1]
        submit.go_on.set()
        await buffer.wait_written(last)
    assert submit.batches == [[0], [1, 2]]


async def test_a_bad_call_is_refused_at_once_and_spoils_no_other(buffer, submit):
    good = buffer.add(call("f", 1))
    with pytest.raises(InvalidCall, match="object"):
        buffer.add(call("f", object()))
    async with until(5):
        await buffer.wait_written(good)
    assert submit.batches == [[1]]


async def test_what_is_cancelled_before_the_write_is_left_out(buffer, submit):
    handles = [buffer.add(call("f", n)) for n in range(3)]
    handles[1].cancel()
    async with until(5):
        await buffer.wait_written(handles[2])
    assert submit.batches == [[0, 2]]
    assert [handles[0].id, handles[2].id] == ["b1:0", "b1:1"]


async def test_nothing_is_written_of_calls_that_are_all_cancelled(buffer, submit):
    handle = buffer.add(call("f", 0))
    handle.cancel()
    async with until(5):
        with pytest.raises(asyncio.CancelledError):
            await buffer.wait_written(handle)
    assert submit.batches == []


async def test_an_error_fails_its_batch_and_no_later_one(buffer, submit):
    submit.error = ValueError("no")
    handles = [buffer.add(call("f", n)) for n in range(2)]
    async with until(5):
        with pytest.raises(ValueError, match="no"):
            await buffer.wait_written(handles[0])
        assert str(handles[1].exception()) == "no"
        submit.error = None
        assert (await buffer.wait_written(buffer.add(call("f", 3)))).id == "b2:0"


@pytest.mark.parametrize("turns", range(8))
async def test_a_call_is_written_that_comes_as_the_last_batch_ends(buffer, submit, turns):
    async with until(5):
        buffer.add(call("f", 0))
        await submit.begun.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        await buffer.wait_written(buffer.add(call("f", 1)))
    assert submit.batches == [[0], [1]]
