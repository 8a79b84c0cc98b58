"""One batch a test, and what producers and workers ask of Redis about it."""

import secrets
from functools import partial

import pytest
from redis.asyncio import Redis

from gatherq import call
from gatherq.contract import records
from gatherq.contract.keys import KeySpace
from gatherq.store.batches import BatchStore
from gatherq.store.jobs import JobStore

from . import steps
from .steps import LEASE, Asks


@pytest.fixture
async def redis(server_url):
    async with Redis.from_url(server_url) as client:
        yield client


@pytest.fixture
def batch():
    return secrets.token_hex(8)


@pytest.fixture
def submit(redis, queue, batch):
    async def submit(size=1, first=0, jobs=None):
        jobs = jobs or [records.encode_job(call("f", n), batch, n, None) for n in range(size)]
        return await BatchStore(redis, KeySpace(queue)).submit(batch, size, 3600, first, jobs)

    return submit


@pytest.fixture
def store(redis, queue):
    def store(worker="w1"):
        return JobStore(redis, KeySpace(queue), worker, LEASE)

    return store


@pytest.fixture
def asks(redis, queue):
    """What a producer asks of Redis."""
    return Asks(redis, KeySpace(queue))


@pytest.fixture
def pass_time(redis, queue, batch):
    """Let time pass for the batch of the test, without waiting for it."""
    return partial(steps.pass_time, redis, queue, batch)
