"""One batch a test, and what producers and workers ask of Redis about it."""

import secrets
from functools import partial

import pytest
from redis.asyncio import Redis

from gatherq import call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.batches import BatchStore
from gatherq.store.jobs import JobStore
from gatherq.store.parking import Admission

from . import steps
from .steps import LEASE, Asks, claim


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
def lease():
    """Seconds that a lease lasts, unless a test says otherwise."""
    return LEASE


@pytest.fixture
def store(redis, queue, lease):
    def store(worker="w1", lease=lease):
        return JobStore(redis, KeySpace(queue), worker, lease)

    return store


@pytest.fixture
def asks(redis, queue):
    """What a producer asks of Redis."""
    return Asks(redis, KeySpace(queue))


@pytest.fixture
def pass_time(redis, queue, batch):
    """Let time pass for the batch of the test, without waiting for it."""
    return partial(steps.pass_time, redis, queue, batch)


@pytest.fixture
def limited(asks, batch):
    """Submit a batch with options, its calls in chunks of 400."""

    async def limited(size, *, of=batch, terms=None, **options):
        jobs = [records.encode_job(call("f", n), of, n, None) for n in range(size)]
        for first in range(0, size, 400):
            chunk = jobs[first : first + 400]
            own = {s: t for s, t in (terms or {}).items() if first <= s < first + 400}
            given = BatchOptions(**options)
            await asks.submit(of, size, 3600, first, chunk, options=given, life=of, terms=own)

    return limited


@pytest.fixture
def enter(redis, queue):
    """Claim, and ask the gate; returns the attempts that begin."""

    async def enter(gate, n=10, worker="w1", lease=5.0):
        mine = JobStore(redis, KeySpace(queue), worker, lease)
        found = (await claim(mine, n)).attempts
        if not found:
            return []
        replies = await mine.park([Admission(attempt, "", gate) for attempt in found])
        return [attempt for attempt, begins in zip(found, replies, strict=True) if begins]

    return enter


@pytest.fixture
def waits(redis, queue, batch):
    """Return for how many ms each slot still waits in the queue, by slot; None if it is parked."""

    async def waits():
        seconds, micros = await redis.time()
        now = seconds * 1000 + micros / 1000
        found = await redis.zrange(queue, 0, -1, withscores=True)
        return {
            int(id_.rpartition(b":")[2]): None if score > 1e13 else score - now
            for id_, score in found
            if id_.startswith(batch.encode())
        }

    return waits


@pytest.fixture
def alone(redis, queue, batch):
    """Queue so many jobs of no batch; return their ids."""

    async def alone(n):
        ids = [f"{batch}-{slot}" for slot in range(n)]
        await redis.mset(dict.fromkeys(map(KeySpace().job, ids), b'{"t":1,"f":"f","a":[],"k":{}}'))
        await redis.zadd(queue, {id_: place for place, id_ in enumerate(ids)})
        return ids

    return alone
