"""What tests of batches that enter the queue little by little do over and over."""

import asyncio

from .steps import claim, record


def slots(attempts):
    return [attempt.slot for attempt in attempts]


async def finish(store, attempts):
    assert set((await store.record([record(a) for a in attempts])).replies) <= {"recorded"}


async def claim_due(store, n=1):
    """Claim as soon as turns have come, of n slots: with a rate it takes a millisecond at least."""
    found = []
    async with asyncio.timeout(10):
        while len(found) < n:
            found += (await claim(store)).attempts
    return found


async def run_all(store):
    """Run what there is, until there is no more; return the slots in the order of their starts."""
    seen = []
    while held := (await claim(store)).attempts:
        seen += slots(held)
        await finish(store, held)
    return seen


async def inside(redis, queue, batch):
    """Return which slots of a batch are in the queue, running ones among them."""
    members = [member.decode().rpartition(":") for member in await redis.zrange(queue, 0, -1)]
    return sorted(int(slot) for of, _, slot in members if of == batch)
