"""A loop that ends, or stands still, while jobs run: in both worlds the same comes out."""

import asyncio
import secrets

import pytest

from .jobs import echo, held
from .worlds import world


@pytest.fixture(params=["local", "pool"])
def where(request, pool):
    return request.param


@pytest.fixture
def name():
    return secrets.token_hex(4)


async def _left(where, name, kept, verb):
    """Leave a task behind that waits for a job."""
    opened = world(where, name)
    w = await opened.__aenter__()
    kept.append(opened)

    async def wait():
        if verb == "handle":
            await (await w.start(w.call(held, "a")))
        elif verb == "gather":
            await w.gather(w.call(held, "a"))
        else:
            async with w.task_group() as group:
                group.create_task(w.call(held, "a"))

    kept.append(asyncio.create_task(wait()))
    await w.seen("start a")


@pytest.mark.parametrize("verb", ["handle", "gather", "group"])
@pytest.mark.filterwarnings("ignore")  # the world is left open on purpose
def test_what_is_left_behind_does_not_hide_the_result(where, name, verb):
    async def main():
        await _left(where, name, kept, verb)
        return 7

    kept = []
    assert asyncio.run(main()) == 7
    assert kept[1].cancelled()
    if where == "pool" or verb == "handle":  # a local job has no loop to tell of it in
        asyncio.run(_seen(name, "cancelled a"))


@pytest.mark.parametrize("verb", ["handle", "gather", "group"])
@pytest.mark.parametrize("error", [SystemExit(7), KeyboardInterrupt(), ValueError("main")])
@pytest.mark.filterwarnings("ignore")
def test_what_is_left_behind_does_not_hide_the_error(where, name, error, verb):
    async def main():
        await _left(where, name, kept, verb)
        raise error

    kept = []
    with pytest.raises(type(error)) as caught:
        asyncio.run(main())
    assert caught.value.args == error.args


async def _seen(name, *said):
    async with world("local", name) as w:
        await w.seen(*said)


def test_a_loop_runs_until_it_is_complete(where, name):
    with asyncio.Runner() as runner:
        opened = world(where, name)
        w = runner.run(opened.__aenter__())
        task = runner.run(w.start(w.call(echo, 7)))
        assert runner.get_loop().run_until_complete(task) == 7
        runner.run(opened.__aexit__(None, None, None))


def test_it_may_be_looked_at_while_the_loop_stands_still(where, name):
    with asyncio.Runner() as runner:
        opened = world(where, name)
        w = runner.run(opened.__aenter__())
        task = runner.run(w.start(w.call(held, "a", 7)))
        called = []
        assert not task.done()
        assert not task.cancelled()
        with pytest.raises(asyncio.InvalidStateError):
            task.result()
        task.add_done_callback(called.append)
        repr(task)
        runner.run(w.open("a"))
        assert runner.get_loop().run_until_complete(task) == 7
        assert called == [task]
        runner.run(opened.__aexit__(None, None, None))
    assert task.done()
    assert task.result() == 7
    assert not task.cancel()


def test_it_may_be_cancelled_while_the_loop_stands_still(where, name):
    with asyncio.Runner() as runner:
        opened = world(where, name)
        w = runner.run(opened.__aenter__())
        task = runner.run(w.start(w.call(held, "a")))
        runner.run(w.seen("start a"))
        assert task.cancel("why")
        with pytest.raises(asyncio.CancelledError, match="why"):
            runner.get_loop().run_until_complete(task)
        runner.run(w.seen("cancelled a"))
        runner.run(opened.__aexit__(None, None, None))


@pytest.mark.parametrize("ending", [None, SystemExit(7), KeyboardInterrupt()])
@pytest.mark.filterwarnings("ignore")  # the world is left open on purpose
def test_what_is_being_cancelled_as_the_loop_ends_is_cancelled(where, name, ending):
    """Nobody waits for the jobs, and nobody closes the producer."""

    async def main():
        opened = world(where, name)
        w = await opened.__aenter__()
        kept.append(opened)
        names = [f"n{n}" for n in range(10)]
        tasks = [await w.start(w.call(held, each)) for each in names]
        await w.seen(*(f"start {each}" for each in names))
        gathering = asyncio.create_task(w.gather(w.call(held, "a"), w.call(held, "b")))
        await w.seen("start a", "start b")
        for task in [*tasks, gathering]:
            task.cancel()
        if ending:
            raise ending

    kept = []
    if ending:
        with pytest.raises(type(ending)):
            asyncio.run(main())
    else:
        asyncio.run(main())
    if where == "pool":  # a local job has no loop to tell of it in
        names = [f"n{n}" for n in range(10)]
        asyncio.run(_seen(name, *(f"cancelled {each}" for each in [*names, "a", "b"])))


def test_a_runner_runs_twice_and_a_handle_lives_in_both(where, name):
    with asyncio.Runner() as runner:
        opened = world(where, name)
        w = runner.run(opened.__aenter__())

        async def first():
            task = await w.start(w.call(held, "a", 1))
            return task, await w.gather(w.call(echo, 2))

        async def second(task):
            await w.open("a")
            return await task, await w.gather(w.call(echo, 3))

        task, gathered = runner.run(first())
        assert list(gathered) == [2]
        value, gathered = runner.run(second(task))
        assert (value, list(gathered)) == (1, [3])
        runner.run(opened.__aexit__(None, None, None))


def test_a_runner_goes_on_after_a_run_that_failed(where, name):
    with asyncio.Runner() as runner:
        opened = world(where, name)
        w = runner.run(opened.__aenter__())

        async def fails():
            task = await w.start(w.call(held, "a"))
            await w.seen("start a")
            kept.append(task)
            raise ValueError("first run")

        kept = []
        with pytest.raises(ValueError, match="first run"):
            runner.run(fails())

        async def ends():
            kept[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await kept[0]

        runner.run(ends())
        runner.run(_seen(name, "cancelled a"))
        runner.run(opened.__aexit__(None, None, None))
