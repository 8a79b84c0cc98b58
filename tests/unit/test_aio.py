"""A task that swallows a cancellation ends all the same."""

import asyncio

from gatherq.aio import cancel_and_wait


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
