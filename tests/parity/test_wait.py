"""`wait`: (done, pending), and nothing is cancelled."""

import asyncio
from asyncio import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION

import pytest

from .jobs import cancel_itself, echo, fail, held, held_failure
from .scenario import scenario
from .worlds import ending


def slots(batch, members):
    """Name handles or tasks by their place."""
    handles = list(batch.handles())
    return sorted(handles.index(member) for member in members)


@scenario
async def test_waiting_for_nothing_is_refused(w):
    batch = await w.submit([])
    with pytest.raises(ValueError, match="empty"):
        await batch.wait()


@scenario
async def test_an_unknown_return_when_is_refused(w):
    batch = await w.submit([w.call(echo, 1)])
    with pytest.raises(ValueError, match="Invalid return_when"):
        await batch.wait(return_when="SOME")
    await batch.outcomes()


@scenario
async def test_all_completed(w):
    batch = await w.submit([w.call(echo, 1), w.call(fail, "no"), w.call(cancel_itself)])
    done, pending = await batch.wait()
    assert (slots(batch, done), pending) == ([0, 1, 2], set())
    assert [ending(member) for member in batch.handles()] == [
        ("value", 1),
        ("error", "ValueError", ("no",)),
        ("cancelled",),
    ]


@scenario
async def test_all_completed_waits_for_the_last(w):
    batch = await w.submit([w.call(held, "a", 1), w.call(echo, 2)])
    waiting = asyncio.create_task(batch.wait(return_when=ALL_COMPLETED))
    await batch.wait(return_when=FIRST_COMPLETED)
    assert not waiting.done()
    await w.open("a")
    done, pending = await waiting
    assert (slots(batch, done), pending) == ([0, 1], set())


@scenario
async def test_first_completed(w):
    batch = await w.submit([w.call(held, "a"), w.call(held, "b", 2), w.call(held, "c")])
    await w.open("b")
    done, pending = await batch.wait(return_when=FIRST_COMPLETED)
    assert (slots(batch, done), slots(batch, pending)) == ([1], [0, 2])
    assert [member.result() for member in done] == [2]
    await w.open("a", "c")
    await batch.outcomes()


@scenario
async def test_first_completed_is_content_with_an_error(w):
    batch = await w.submit([w.call(held, "a"), w.call(fail, "no")])
    done, pending = await batch.wait(return_when=FIRST_COMPLETED)
    assert (slots(batch, done), slots(batch, pending)) == ([1], [0])
    await w.open("a")
    await batch.outcomes()


@scenario
async def test_first_completed_one_after_the_other(w):
    batch = await w.submit([w.call(held, name, name) for name in "abc"])
    await w.seen("start a", "start b", "start c")
    order, pending = [], set(batch.handles())
    for name in "bca":
        await w.open(name)
        done, pending = await asyncio.wait(pending, return_when=FIRST_COMPLETED)
        order += [member.result() for member in done]
    assert (order, pending) == (["b", "c", "a"], set())


@scenario
async def test_first_exception(w):
    batch = await w.submit([w.call(held, "a"), w.call(echo, 1), w.call(held_failure, "b")])
    await w.seen("start b")
    waiting = asyncio.create_task(batch.wait(return_when=FIRST_EXCEPTION))
    await asyncio.wait([batch.handles()[1]])
    assert not waiting.done()
    await w.open("b")
    done, pending = await waiting
    assert (slots(batch, done), slots(batch, pending)) == ([1, 2], [0])
    await w.open("a")
    await batch.outcomes()


@scenario
async def test_first_exception_without_one_is_all(w):
    batch = await w.submit([w.call(held, "a"), w.call(echo, 2)])
    waiting = asyncio.create_task(batch.wait(return_when=FIRST_EXCEPTION))
    await w.open("a")
    done, pending = await waiting
    assert (len(done), pending) == (2, set())


@scenario
async def test_a_cancellation_is_no_first_exception(w):
    batch = await w.submit([w.call(cancel_itself), w.call(held, "a")])
    waiting = asyncio.create_task(batch.wait(return_when=FIRST_EXCEPTION))
    await asyncio.wait([batch.handles()[0]])
    assert not waiting.done()
    await w.open("a")
    done, _ = await waiting
    assert slots(batch, done) == [0, 1]


@scenario
async def test_a_timeout_tells_what_is_pending_and_cancels_nothing(w):
    batch = await w.submit([w.call(held, "a", 1), w.call(echo, 2)])
    await asyncio.wait([batch.handles()[1]])
    done, pending = await batch.wait(timeout=0.05)
    assert (slots(batch, done), slots(batch, pending)) == ([1], [0])
    await w.open("a")
    assert await batch.outcomes() == [("value", 1), ("value", 2)]


@scenario
async def test_a_timeout_of_nothing_looks_once(w):
    batch = await w.submit([w.call(held, "a", 1), w.call(echo, 2)])
    await asyncio.wait([batch.handles()[1]])
    done, pending = await batch.wait(timeout=0)
    assert (slots(batch, done), slots(batch, pending)) == ([1], [0])
    await w.open("a")
    await batch.outcomes()


@scenario
async def test_what_has_ended_is_done_at_once(w):
    batch = await w.submit([w.call(echo, n) for n in range(300)])
    await batch.outcomes()
    done, pending = await batch.wait(timeout=0, return_when=FIRST_COMPLETED)
    assert (len(done), pending) == (300, set())


@scenario
async def test_waiting_again_gives_the_same_members(w):
    batch = await w.submit([w.call(held, "a"), w.call(echo, 1)])
    first, pending = await batch.wait(return_when=FIRST_COMPLETED)
    await w.open("a")
    done, left = await batch.wait()
    assert first < done
    assert pending < done
    assert left == set()


@scenario
async def test_cancelled_it_cancels_nothing(w):
    batch = await w.submit([w.call(held, "a", 1)])
    waiting = asyncio.create_task(batch.wait())
    await w.seen("start a")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await w.open("a")
    assert await batch.outcomes() == [("value", 1)]


@scenario
async def test_a_timeout_around_it_cancels_nothing(w):
    batch = await w.submit([w.call(held, "a", 1)])
    await w.seen("start a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await batch.wait()
    await w.open("a")
    assert await batch.outcomes() == [("value", 1)]


@scenario
async def test_what_is_pending_may_be_cancelled(w):
    batch = await w.submit([w.call(held, "a"), w.call(echo, 1)])
    await w.seen("start a")
    _, pending = await batch.wait(return_when=FIRST_COMPLETED)
    for member in pending:
        member.cancel()
    done, left = await batch.wait()
    assert (slots(batch, done), left) == ([0, 1], set())
    assert [ending(member) for member in batch.handles()] == [("cancelled",), ("value", 1)]
    assert await w.log() == ["start a", "cancelled a"]


@scenario
async def test_two_may_wait(w):
    batch = await w.submit([w.call(held, "a")])
    first, second = asyncio.create_task(batch.wait()), asyncio.create_task(batch.wait())
    await w.seen("start a")
    await w.open("a")
    assert await first == await second
