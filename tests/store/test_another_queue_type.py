"""A queue where something of another type stands: it is empty, and gives way to what is written."""

import pytest

from gatherq.store.jobs import Release

from .steps import claim, record


@pytest.mark.parametrize("kind", ["string", "list", "hash", "set", "stream"])
async def test_what_was_in_it_is_put_back_by_who_waits(
    redis, submit, asks, store, batch, queue, kind
):
    await submit(6)
    running, given = (await claim(store(), 2)).attempts
    await redis.delete(queue)
    match kind:
        case "string":
            await redis.set(queue, "x")
        case "list":
            await redis.rpush(queue, "x")
        case "hash":
            await redis.hset(queue, "x", "y")
        case "set":
            await redis.sadd(queue, "x")
        case "stream":
            await redis.xadd(queue, {"x": "y"})
    assert (await claim(store("w2"))).attempts == []
    assert await store().queued() == 0
    assert (await asks.sweep(batch, force=True)).ended == 0
    assert (await store().find_claims())[1] == []
    assert await asks.cancel(batch, [5], "me") == 0
    assert (await asks.mend(batch, range(6), -1)).ended == []
    assert await redis.type(queue) == b"zset"
    await store().renew([running, given])
    assert await store().release([Release(given)]) == 1
    assert (await store().record([record(running)])).replies == ["recorded"]
    assert len((await claim(store("w2"))).attempts) == 5
