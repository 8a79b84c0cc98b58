"""Calls made one by one, of a producer whose loop is ending."""

import asyncio

import pytest

from gatherq import Producer, call


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("verb", ["group", "submit_one", "map", "awaited", "awaited in group"])
def test_what_is_cancelled_with_all_tasks_ends(server_url, queue, verb, turns):
    """As `asyncio.run` does it when main has ended: whatever of ours has begun by then."""

    async def work(producer, handle):
        if verb == "awaited":
            await handle
        elif verb == "awaited in group":
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(follow(handle))
        elif verb == "group":
            async with producer.task_group() as group:
                group.create_task(call("f"))
        elif verb == "submit_one":
            await producer.submit_one(call("f"))
        else:
            async for _ in producer.map("f", [1]):
                pass

    async def follow(handle):
        await handle

    async def main():
        producer = Producer(server_url, queue=queue)
        handle = await producer.submit_one(call("f"))
        task = asyncio.create_task(work(producer, handle))
        for _ in range(turns):
            await asyncio.sleep(0)
        for each in asyncio.all_tasks() - {asyncio.current_task()}:
            each.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        assert done
        await producer.aclose()

    asyncio.run(main())
