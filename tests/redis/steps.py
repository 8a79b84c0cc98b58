"""What the tests of the Lua steps do again and again."""

import asyncio

from gatherq import keys, wire
from gatherq_worker.attempt import Attempt
from gatherq_worker.store import Record

LEASE = 0.3


async def claim(store, n=10, contact=True):
    """Claim in full contact with Redis, or in none."""
    now = (await store.claim(0, 0, 0)).now
    return await store.claim(n, now - 10_000, now) if contact else await store.claim(n, now, now)


def record(attempt: Attempt, worker="w1", keep=60.0):
    payload = wire.result_head(worker, attempt.number).encode() + b'"status":"succeeded"}'
    return Record(attempt, "succeeded", payload, keep)


async def expired(redis, attempt):
    """Wait until the lease of an attempt has run out."""
    while await redis.exists(keys.in_progress(attempt.job_id)):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.005)
