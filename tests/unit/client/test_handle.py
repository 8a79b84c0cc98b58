"""One job as a future: what its users call, and what only its group does to it."""

import asyncio
from contextvars import copy_context
from datetime import UTC, datetime

import pytest

from gatherq import Cancelled, Failed, call
from gatherq.client.handle import (
    Handle,
    close,
    fail,
    follow,
    is_dropped,
    lift_cancellation,
    place,
    raise_if_unwritten,
    settle,
    take_call,
)
from gatherq.contract.remote_errors.error_info import ErrorInfo
from tests.conftest import until

from .conftest import succeeded

NOW = datetime.now(UTC)
WHO = {"job_id": "b:0", "name": "f", "attempt": 1, "worker": "w", "enqueued": NOW, "finished": NOW}


class Group:
    """Notes what a handle asks of its group."""

    def __init__(self):
        self.detached, self.watched, self.cancelled = False, 0, []

    def job_id(self, slot):
        return f"b:{slot}"

    def watch(self):
        self.watched += 1

    def cancel_soon(self, slot):
        self.cancelled.append(slot)


@pytest.fixture
async def group():
    return Group()


@pytest.fixture
async def handle(group):
    """A handle of a job that is written."""
    handle = Handle()
    place(handle, group, 0)
    return handle


async def test_it_ends_as_its_job_does(group):
    outcomes = [
        succeeded(value=3),
        Failed(error=ErrorInfo(type="KeyError", message="'k'", args=("k",)), **WHO),
        Cancelled(by="policy", **WHO),
    ]
    handles = [Handle() for _ in outcomes]
    for handle, outcome in zip(handles, outcomes, strict=True):
        place(handle, group, 0)
        settle(handle, outcome)
        assert await handle.outcome() is outcome
        settle(handle, succeeded(value=9))  # the first result stands
    assert handles[0].result() == 3
    assert isinstance(handles[1].exception(), KeyError)
    with pytest.raises(asyncio.CancelledError, match="job b:0 was cancelled by its policy"):
        await handles[2]


async def test_its_group_watches_from_the_first_look_on(group):
    looked_at, other = Handle(), Handle()
    looked_at.done()
    place(looked_at, group, 0)
    assert group.watched == 1
    place(other, group, 1)
    assert group.watched == 1
    other.add_done_callback(print)
    assert group.watched == 2


async def test_before_it_is_written_it_is_cancelled_at_once_and_dropped():
    handle = Handle(call("f"))
    assert handle.cancel("why")
    assert is_dropped(handle)
    assert handle.cancelled()
    with pytest.raises(asyncio.CancelledError, match="why"):
        raise_if_unwritten(handle)


async def test_while_it_is_written_the_cancellation_waits_for_its_slot(group):
    handle = Handle(call("f", 1))
    assert take_call(handle) == call("f", 1)
    assert handle.cancel()
    assert not handle.done()
    place(handle, group, 7)
    assert group.cancelled == [7]


async def test_it_is_cancelled_once_with_the_first_message(handle, group):
    assert handle.cancel("first")
    assert handle.cancel("second")
    assert group.cancelled == [0]
    settle(handle, Cancelled(by="producer", **WHO))
    assert not handle.cancel()
    with pytest.raises(asyncio.CancelledError, match="first"):
        await handle


async def test_a_cancellation_that_was_lifted_is_sent_again(handle, group):
    handle.cancel("first")
    lift_cancellation(handle)
    handle.cancel("second")
    assert group.cancelled == [0, 0]


async def test_of_a_detached_batch_it_ends_here_only(handle, group):
    group.detached = True
    assert handle.cancel()
    assert handle.cancelled()
    assert group.cancelled == []


async def test_an_error_of_redis_is_no_outcome(handle):
    fail(handle, ValueError("away"))
    assert not handle.has_outcome
    with pytest.raises(ValueError, match="away"):
        await handle.outcome()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_of_a_closed_producer_it_ends_with_the_error_or_as_it_was_asked(handle, cancelled):
    if cancelled:
        handle.cancel()
    close(handle, ValueError("closed"))
    assert handle.cancelled() == cancelled
    with pytest.raises(ValueError, match="closed"):
        await handle.outcome()


async def test_its_result_is_the_jobs_alone(handle):
    for verb in (lambda: handle.set_result(1), lambda: handle.set_exception(ValueError())):
        with pytest.raises(RuntimeError, match="does not support"):
            verb()


async def test_a_group_hears_of_a_failure_before_who_awaits_the_handle(handle):
    async def body():
        async with asyncio.TaskGroup() as tasks:
            follow(handle, tasks, copy_context(), name="mine", context=None)
            asyncio.get_running_loop().call_soon(fail, handle, ValueError("no"))
            with pytest.raises(asyncio.CancelledError):  # and not the job's error
                await handle

    async with until(5):
        with pytest.raises(ExceptionGroup) as caught:
            await body()
    assert [str(error) for error in caught.value.exceptions] == ["no"]


async def test_a_follower_that_is_cancelled_cancels_the_job(handle, group):
    async with asyncio.TaskGroup() as tasks:
        follow(handle, tasks, copy_context(), name="mine", context=None)
        (follower,) = (task for task in asyncio.all_tasks() if task.get_name() == "mine")
        await asyncio.sleep(0)
        follower.cancel()
        assert group.cancelled == [0]
        settle(handle, Cancelled(by="producer", **WHO))
    assert handle.cancelled()


async def test_what_it_is_called(handle):
    assert (handle.id, handle.slot, handle.get_name()) == ("b:0", 0, "b:0")
    handle.set_name("carrot")
    assert (handle.get_name(), repr(handle)) == ("carrot", "<Handle b:0 name='carrot' pending>")
    settle(handle, succeeded())
    assert repr(handle) == "<Handle b:0 name='carrot' succeeded>"
    with pytest.raises(asyncio.InvalidStateError, match="not submitted yet"):
        _ = Handle().id
