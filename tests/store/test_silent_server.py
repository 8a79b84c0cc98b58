"""A server that takes every command and answers none."""

import asyncio

import pytest

from gatherq import Producer, call

from ..conftest import until
from ..proxy import Proxy


@pytest.fixture
async def proxy(server_url):
    async with Proxy(int(server_url.rpartition(":")[2].partition("/")[0])) as proxy:
        yield proxy


@pytest.mark.parametrize("verb", ["gather", "handle"])
async def test_who_is_cancelled_waits_no_longer_than_its_patience(proxy, queue, verb):
    """And so does the producer that closes: the cancellation is sent by a task that nobody ends."""
    async with until(20):
        producer = Producer(f"{proxy.url}?socket_timeout=2", queue=queue, patience=0)
        handle = await producer.submit_one(call("f"))
        if verb == "gather":
            waiting = asyncio.create_task(producer.gather(call("f")))
            while await producer.redis.zcard(queue) < 2:
                await asyncio.sleep(0)
        else:
            waiting = handle
        proxy.swallow()
        waiting.cancel()
        await asyncio.wait([waiting])
        await producer.aclose()
