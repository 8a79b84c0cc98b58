"""A queue, or a wake list, where something of another type stands: it is empty, and gives way."""

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Release

from .steps import claim, claim_all, record


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
    assert len(await claim_all(store("w2"), 5)) == 5


@pytest.mark.parametrize("which", ["wake", "place_free", "lane_wake"])
async def test_a_wake_list_that_is_none_is_removed_by_who_waits(redis, store, queue, which):
    """Else each wait would fail at once, for ever."""
    keys = KeySpace(queue)
    names = {"wake": keys.wake, "place_free": keys.place_free("w1")}
    key = names.get(which) or keys.lane_wake("thread")
    await redis.hset(key, "x", "y")
    await store().wait(60.0, ["thread"])
    assert not await redis.exists(key)
    await redis.rpush(keys.wake, "1")
    await store().wait(60.0, ["thread"])
    assert not await redis.exists(keys.wake)
