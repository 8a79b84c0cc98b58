"""A scope of anyio that is cancelled ends as with asyncio's tasks; each job is asked once."""

import asyncio

import anyio
import pytest

from gatherq import Producer
from gatherq.client.submission import Submission

from ..parity.jobs import echo, held
from ..verbs import awaited_in_group, gather, group, handle, mapped
from .commands import connections, counted


def caught(scope):
    """Tell whether a scope was left by its cancellation; anyio 3 tells only that it was asked."""
    return getattr(scope, "cancelled_caught", scope.cancel_called)


async def gathered_handles(producer, call):
    await asyncio.gather(await producer.submit_one(call))


async def in_wait_for(producer, call):
    await asyncio.wait_for(await producer.submit_one(call), 30)


VERBS = [handle, gather, group, awaited_in_group, gathered_handles, mapped, in_wait_for]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_cancelled_scope_is_left(w, producer, verb):
    with counted(producer) as sent, anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(verb, producer, w.call(held, "a"))
            await w.seen("start a")
            del sent[:]
            scope.cancel()
    assert caught(scope)
    assert not asyncio.current_task().cancelling()
    await w.seen("cancelled a")
    # Three, and as many again where the server is new and does not know the scripts yet.
    assert len([name for name in sent if name != "XREAD"]) <= 6
    assert connections(producer) <= 6


async def test_a_deadline_of_a_scope_is_caught(w, producer):
    task = await producer.submit_one(w.call(held, "a"))
    await w.seen("start a")
    with anyio.move_on_after(0.05) as scope:
        await task
    assert caught(scope)
    assert task.cancelled()
    with pytest.raises(TimeoutError):
        with anyio.fail_after(0):
            await (await producer.submit_one(w.call(held, "b")))
    await w.seen("cancelled a")


async def test_scopes_inside_scopes(w, producer):
    with anyio.move_on_after(30) as outer:
        with anyio.move_on_after(0.05) as inner:
            await producer.gather(w.call(held, "a"))
        assert caught(inner)
        assert await producer.gather(w.call(echo, 2)) == [2]
    assert not caught(outer)
    with anyio.move_on_after(0.05) as outer, anyio.move_on_after(30) as inner:
        await producer.gather(w.call(held, "b"))
    assert (caught(outer), caught(inner)) == (True, False)


async def test_a_shielded_scope_is_not_cancelled(w, producer):
    task = await producer.submit_one(w.call(held, "a", 1))
    await w.seen("start a")
    with anyio.CancelScope() as scope:
        scope.cancel()
        with anyio.CancelScope(shield=True):
            await w.open("a")
            assert await task == 1


@pytest.mark.parametrize("count", [1, 20])
def test_what_is_cancelled_in_a_scope_is_cancelled_when_the_loop_ends(
    w_name, pool, count, monkeypatch
):
    """The producer closes at once after that, and then the loop ends."""
    batches, write = [], Submission.write

    async def writing(submission, *args):
        await write(submission, *args)
        batches.append(submission.batch_id)

    monkeypatch.setattr(Submission, "write", writing)

    async def work():
        async with Producer() as other:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    for n in range(count):
                        tasks.start_soon(gather, other, held.call(f"pool/{w_name}", f"n{n}"))
                    while len(batches) < count:
                        await asyncio.sleep(0)
                    scope.cancel()
        return batches

    async def statuses(ids):
        async with Producer() as producer:
            return [
                outcome.status
                for batch in ids
                for outcome in await (await producer.batch(batch)).outcomes()
            ]

    ids = asyncio.run(work())
    assert asyncio.run(statuses(ids)) == ["cancelled"] * count
