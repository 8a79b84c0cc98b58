"""A server that takes every command and answers none."""

import asyncio
from datetime import UTC, datetime

import pytest

from gatherq import Inspector, Producer, call
from gatherq.errors import RedisUnavailable

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


@pytest.mark.parametrize("look", ["batches", "explain"])
async def test_who_looks_waits_for_no_answer_that_is_longer_than_its_patience(proxy, queue, look):
    """The limit is far above that patience, and below what a producer waits for a reply."""
    proxy.swallow()
    async with until(9), Inspector(proxy.url, queue=queue, patience=0.1) as inspector:
        with pytest.raises(RedisUnavailable):
            await (inspector.batches() if look == "batches" else inspector.explain("x"))


async def test_who_watches_is_told_since_when_there_is_no_answer(proxy, queue, producer):
    batch = await producer.submit([call("f")])
    async with until(9), Inspector(proxy.url, queue=queue, patience=0.1) as inspector:
        async for progress in inspector.watch(batch.id):
            if progress.away:
                break
            answered = datetime.now(UTC)
            proxy.swallow()
    assert progress.away <= answered
