"""Slots that limits hold back: outside of the queue, in a lane, at a gate. What looks sees them."""

import pytest

from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.jobs import Call
from gatherq.contract.keys import KeySpace, job_id
from gatherq.store.jobs import Admission, Gate

from .steps import claim, record

keys = KeySpace()


@pytest.fixture
def limited(asks, batch):
    """Submit a batch of at most 400 jobs, with options."""

    async def limited(size, *, of=batch, name="f", **options):
        jobs = [records.encode_job(Call(name, (n,), {}), of, n, None) for n in range(size)]
        given = BatchOptions(**options)
        await asks.submit(of, size, 3600, 0, jobs, options=given, life=of)

    return limited


@pytest.fixture
def park(store):
    """Claim, and park all that was claimed, in a lane or at a gate; returns what begins."""

    async def park(lane="", gate=None, n=10):
        mine = store()
        found = (await claim(mine, n)).attempts
        replies = await mine.park([Admission(attempt, lane, gate) for attempt in found])
        return [attempt for attempt, begins in zip(found, replies, strict=True) if begins]

    return park


async def test_a_slot_outside_is_waited_for(limited, asks, batch, store):
    await limited(5, max_at_once=2)
    assert [state.queued for state in await asks.standings(batch, range(5))] == [True] * 5
    assert await asks.cancel(batch, (3,), "me") == 1
    await asks.run_again(batch)  # it goes first now, and is outside
    held = (await claim(store())).attempts
    await store().record([record(each) for each in held])
    states = await asks.standings(batch, range(5))
    assert [state.queued for state in states] == [False, False, True, True, True]
    assert [state.result is None for state in states] == [False, False, True, True, True]


async def test_a_slot_of_the_past_is_not_waited_for(redis, limited, asks, batch, queue, store):
    await limited(5, max_at_once=2)
    await redis.zrem(queue, job_id(batch, 0))
    (state, *_) = await asks.standings(batch, [0])
    assert not state.queued


@pytest.mark.parametrize("value", [b"x", 7], ids=["string", "set"])
async def test_junk_in_the_place_of_those_who_go_first_ends_nothing(
    redis, limited, asks, batch, value
):
    await limited(5, max_at_once=2)
    key = keys.again(batch)
    await (redis.set(key, value) if value == b"x" else redis.sadd(key, value))
    await redis.hset(keys.batch(batch), "again", 1)
    states = await asks.standings(batch, range(5))
    assert [state.queued for state in states] == [True] * 5


async def test_counts_say_how_many_wait(limited, asks, batch, store, park):
    await limited(10, max_at_once=4)
    assert (await asks.counts(batch)).waiting == 6
    await park(lane="process", n=3)
    counts = await asks.counts(batch)
    assert (counts.waiting, counts.running, counts.finished) == (9, 0, 0)
    held = await park(gate=Gate("f", most=1))
    assert len(held) == 1
    counts = await asks.counts(batch)
    assert (counts.waiting, counts.running, counts.finished) == (9, 1, 0)
    await store().record([record(each) for each in held])
    assert (await asks.counts(batch)).finished == 1
    await asks.cancel(batch, (), "me")
    await asks.sweep(batch)
    counts = await asks.counts(batch)
    assert (counts.waiting, counts.finished) == (0, 10)


async def test_counts_of_a_damaged_batch_are_no_more_than_it_has(redis, limited, asks, batch):
    await limited(10, max_at_once=4)
    await redis.hset(keys.batch(batch), mapping={"parked": "9" * 15, "again": "x"})
    assert (await asks.counts(batch)).waiting == 10
