"""Tasks that swallow a cancellation, and tasks that finish in spite of one."""

import asyncio

from gatherq.aio import UncancellableTask, cancel_and_wait, finish_surely, not_cancelled


async def test_a_swallowed_cancellation_is_repeated():
    swallowed = 0

    async def stubborn():
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_and_wait(task)
        await cancel_and_wait(task)
    assert swallowed == 2
    assert task.cancelled()


async def test_an_uncancellable_task_finishes_whoever_cancels_what():
    begun, go_on = [], asyncio.Event()

    async def work():
        begun.append(asyncio.current_task())
        await go_on.wait()
        return 1

    task = UncancellableTask(finish_surely(work), loop=asyncio.get_running_loop())
    for n in range(3):
        while len(begun) <= n:
            await asyncio.sleep(0)
        assert not task.cancel()
        begun[n].cancel()  # as the end of `asyncio.run` does with all tasks
    while len(begun) < 4:
        await asyncio.sleep(0)
    go_on.set()
    assert await task == 1


async def test_a_timeout_in_an_uncancellable_task_is_kept():
    async def work():
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    task = UncancellableTask(finish_surely(work), loop=asyncio.get_running_loop())
    done, _ = await asyncio.wait([task], timeout=5)
    assert done
    assert isinstance(task.exception(), TimeoutError)


async def test_a_task_knows_that_it_is_cancelled():
    found = []

    async def swallow():
        found.append(not_cancelled())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            found.append(not_cancelled())

    task = asyncio.create_task(swallow())
    while not found:
        await asyncio.sleep(0)
    task.cancel()
    await task
    assert found == [True, False]
