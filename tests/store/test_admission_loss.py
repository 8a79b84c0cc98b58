"""Batches that enter the queue little by little: what is lost or damaged of them in Redis."""

import asyncio

import pytest

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Record, Release
from gatherq.store.parking import Admission

from .admissions import claim_due, finish, inside, run_all, slots
from .outcomes import failed
from .steps import claim, expired
from .worker import succeeded

keys = KeySpace()


@pytest.fixture
def lease():
    return 60.0  # it lasts for the test


@pytest.mark.parametrize("junk", [b"x", b"0", b"1"])
async def test_a_damaged_count_of_outcomes_keeps_no_slot_outside(
    redis, limited, asks, store, batch, queue, junk
):
    await limited(6, max_at_once=2)
    attempts = (await claim(store())).attempts
    results = [Record(a, "succeeded", succeeded(a), 60) for a in attempts]
    await redis.hset(keys.batch(batch), "max_at_once", 0)  # nobody is admitted meanwhile
    await store().record(results)
    await redis.hset(
        keys.batch(batch), mapping={"succeeded": junk, "max_at_once": 2, "admitted": 2}
    )
    for slot in range(2, 6):
        await redis.zrem(queue, f"{batch}:{slot}")
    assert (await claim(store())).attempts == []
    await asks.mend(batch, range(2, 6), 6)
    assert slots((await claim(store())).attempts) == [2, 3]
    assert (await asks.counts(batch)).succeeded == 2


async def test_a_lost_queue_comes_back_within_the_limit(redis, limited, asks, store, batch, queue):
    await limited(30, max_at_once=2)
    await redis.delete(queue)
    seen = []
    for _ in range(31):
        await asks.mend(batch, range(30), 30)
        held = (await claim(store())).attempts
        assert len(await inside(redis, queue, batch)) <= 2
        seen += slots(held)
        await finish(store(), held)
        await redis.delete(queue)
    assert seen == list(range(30))


async def test_what_is_lost_and_written_again_keeps_its_place(redis, asks, store, batch, queue):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    terms = {"options": BatchOptions(max_at_once=2), "digests": digests(jobs), "life": "l"}
    await asks.submit(batch, 4, 3600, 0, jobs, **terms)
    await redis.zrem(queue, f"{batch}:1")
    await redis.delete(keys.job(f"{batch}:1"), keys.job(f"{batch}:3"))
    await asks.submit(batch, 4, 3600, 0, jobs, **terms)
    assert await inside(redis, queue, batch) == [0, 1]


async def test_what_ended_unwritten_and_is_written_at_last_holds_up_none(redis, asks, store, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    for first in (0, 2):
        chunk = jobs[first : first + 2]
        given = {"options": BatchOptions(max_at_once=1), "digests": digests(chunk), "life": "l"}
        await asks.submit(batch, 4, 3600, first, chunk, **given)
        if first == 0:
            assert await asks.cancel(batch, None, "me") == 4
            assert await asks.run_again(batch) == 2
    seen = []
    while held := (await claim(store())).attempts:
        seen += slots(held)
        await finish(store(), held)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("limit", [{"max_at_once": 1}, {"max_per_second": 100.0}], ids=str)
@pytest.mark.parametrize("lost", ["queue", "again"])
async def test_a_call_that_overtakes_is_not_forgotten(
    redis, limited, asks, store, batch, lost, limit
):
    await limited(4, **limit, terms={2: (1, None), 3: (1, None)})
    await redis.delete(asks.keys.queue if lost == "queue" else keys.again(batch))
    seen = []
    async with asyncio.timeout(10):
        while len(seen) < 4:
            await asks.mend(batch, range(4), 4)
            held = (await claim(store())).attempts
            assert len(held) <= 1
            await finish(store(), held)
            seen += slots(held)
    assert sorted(seen) == [0, 1, 2, 3]


async def test_a_slot_that_is_queued_again_and_ends_after_all_keeps_none_outside(
    redis, limited, asks, store, batch, queue
):
    """The queue was lost while it ran, and its lease has run out: its outcome came all the same."""
    await limited(4, max_per_second=20, terms={1: (1, None)})
    (held,) = await claim_due(store(lease=0.05))
    assert held.slot == 1
    await expired(redis, held)
    await redis.delete(queue)
    await asks.mend(batch, range(4), 4)
    assert 1 in await inside(redis, queue, batch)
    await finish(store(), [held])
    last = await claim_due(store("w2"), 2)
    assert slots(last) == [0, 2]
    await finish(store("w2"), last)
    assert await redis.hmget(keys.batch(batch), "running", "succeeded") == [b"0", b"3"]


@pytest.mark.parametrize("late", ["park", "renew", "release", "retry", "record", "claim"])
async def test_no_other_begins_in_the_stead_of_one_whose_place_and_lease_are_lost(
    redis, limited, asks, store, batch, queue, late
):
    """It overtook others, so that its number does not say that it has left; its worker goes on."""
    await limited(4, max_at_once=1, terms={3: (5, None), 2: (1, None)})
    worker = store(lease=0.05)
    (held,) = (await claim(worker)).attempts
    assert held.slot == 3
    await expired(redis, held)
    await redis.delete(queue)
    await asks.mend(batch, range(4), 4)
    assert await inside(redis, queue, batch) == [3]
    if late == "park":
        await worker.park([Admission(held, "process")])
    elif late == "renew":
        assert (await worker.renew([held])).lost == [held.job_id]
    elif late in ("release", "retry"):
        await worker.release([Release(held, charge=late == "retry")])
    elif late == "record":
        await finish(worker, [held])
    left = [3] if late != "record" else [2]
    assert await inside(redis, queue, batch) == left
    assert slots((await claim(store("w2"))).attempts) == left


async def test_one_that_was_redriven_and_waits_again_has_not_begun(
    redis, limited, asks, store, batch, queue
):
    """Redis counts its attempts before the redrive, and it is outside all the same."""
    await limited(4, max_at_once=1, terms={3: (5, None)})
    (held,) = (await claim(store())).attempts
    await store().record([failed(held)])
    assert await asks.run_again(batch) == 1
    (first,) = (await claim(store())).attempts
    assert await inside(redis, queue, batch) == [first.slot]
    await redis.delete(queue)
    await asks.mend(batch, range(4), 4)
    assert await inside(redis, queue, batch) == []
    await finish(store(), [first])
    assert sorted(await run_all(store())) == sorted({0, 1, 2, 3} - {first.slot})


async def test_a_late_outcome_leaves_the_slot_that_is_called(redis, limited, store, batch):
    await limited(9, max_per_second=20)
    (held,) = await claim_due(store(lease=0.05))
    await expired(redis, held)
    other, again = store("w2", lease=5.0), []
    async with asyncio.timeout(10):
        while held.slot not in slots(again):
            again = await claim_due(other)
    await other.park([Admission(a, "process") for a in again if a.slot == held.slot])
    called = await redis.hget(keys.batch(batch), "called")
    assert called
    await finish(store(), [held])
    assert await redis.hget(keys.batch(batch), "called") == called


@pytest.mark.parametrize("most", [3, None])
async def test_what_was_written_runs_though_the_producer_died_before_the_rest(
    asks, store, batch, most
):
    """Slots that end before they are written hold back none of those that are."""
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(300)]
    await asks.submit(batch, 400, 3600, 0, jobs, options=BatchOptions(max_at_once=most))
    for written in (-1, 300):
        for first in (0, 200):
            await asks.mend(batch, range(first, first + 200), written)
    seen, worker = [], store()
    while held := (await claim(worker, 100)).attempts:
        seen += slots(held)
        await finish(worker, held)
    assert seen == list(range(300))
    assert (await asks.counts(batch)).finished == 400


@pytest.mark.parametrize("looked_after", [[0], [0, 1, 2]], ids=str)
async def test_a_job_that_is_lost_makes_room_for_the_next_and_counts_once(
    redis, limited, asks, store, batch, queue, looked_after
):
    await limited(3, max_at_once=1)
    await redis.delete(queue, keys.job(f"{batch}:0"))
    assert (await asks.mend(batch, looked_after, 3)).ended == [0]
    counts = await asks.counts(batch)
    assert (counts.failed, counts.finished) == (1, 1)
    assert slots((await claim(store())).attempts) == [1]


async def test_an_outcome_counts_though_redis_has_lost_it(redis, limited, asks, store, batch):
    await limited(3, max_at_once=1)
    await finish(store(), (await claim(store())).attempts)
    await redis.delete(keys.result(f"{batch}:0"))
    await asks.mend(batch, range(1, 3), 3)
    assert (await asks.counts(batch)).succeeded == 1
    assert slots((await claim(store())).attempts) == [1]


async def test_a_slot_that_was_lost_and_then_cancelled_holds_up_no_other(
    redis, limited, asks, store, batch, queue
):
    await limited(4, max_per_second=50, terms={3: (1, None)})
    await redis.delete(queue)
    await asks.cancel(batch, [3], "me")
    await asks.mend(batch, range(4), 4)
    assert slots(await claim_due(store())) == [0]


async def test_a_redrive_runs_each_slot_once_though_the_count_of_those_outside_is_lost(
    redis, limited, asks, store, batch
):
    await limited(6, max_at_once=2)
    await asks.cancel(batch, (), "me")
    await redis.hdel(keys.batch(batch), "beyond")
    assert await asks.run_again(batch) == 6
    assert sorted(await run_all(store())) == list(range(6))


@pytest.mark.parametrize("how", ["looked after", "submitted again"])
@pytest.mark.parametrize(("limit", "most"), [({"max_at_once": 2}, 2), ({"max_per_second": 100}, 1)])
async def test_slots_that_were_to_go_first_and_are_lost_take_their_turn_again(
    redis, asks, store, batch, queue, limit, most, how
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(6)]
    given = {"options": BatchOptions(**limit), "digests": digests(jobs), "life": "l"}
    await asks.submit(batch, 6, 3600, 0, jobs, **given)
    for _ in range(6 // most):
        await store().record([failed(each) for each in await claim_due(store(), most)])
    assert await asks.run_again(batch) == 6
    before = await inside(redis, queue, batch)
    assert len(before) == most
    await redis.delete(keys.again(batch))
    if how == "submitted again":
        await redis.delete(
            *[keys.job(f"{batch}:{slot}") for slot in range(6) if slot not in before]
        )
        await asks.submit(batch, 6, 3600, 0, jobs, **given)
    else:
        await asks.mend(batch, range(6), 6)
    seen = []
    while len(seen) < 6:
        assert len(await inside(redis, queue, batch)) <= most
        held = await claim_due(store())
        seen += slots(held)
        await finish(store(), held)
    assert seen == list(range(6))


async def test_a_slot_whose_data_alone_was_lost_keeps_its_place(redis, asks, store, batch, queue):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(3)]
    given = {"options": BatchOptions(max_at_once=1), "digests": digests(jobs), "life": "l"}
    await asks.submit(batch, 3, 3600, 0, jobs, **given)
    await store().record([failed(each) for each in (await claim(store())).attempts])
    assert await asks.run_again(batch) == 1
    assert await inside(redis, queue, batch) == [1]
    await redis.delete(keys.job(f"{batch}:1"))
    await asks.submit(batch, 3, 3600, 0, jobs, **given)
    assert await inside(redis, queue, batch) == [1]
    assert await run_all(store()) == [1, 0, 2]


async def test_a_damaged_count_lets_in_no_slot_that_is_not_written(
    redis, asks, store, batch, queue
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(2)]
    await asks.submit(batch, 4, 3600, 0, jobs, options=BatchOptions(max_at_once=4))
    await redis.hset(keys.batch(batch), "again", 9)
    assert slots((await claim(store())).attempts) == [0, 1]
    assert await inside(redis, queue, batch) == [0, 1]


@pytest.mark.parametrize("interval", [0, 10**12])
async def test_an_interval_that_nobody_asks_for_is_no_rate(
    redis, limited, store, batch, queue, interval
):
    await limited(1000, max_per_second=0.1)
    await redis.hset(keys.batch(batch), "interval", interval)
    await claim_due(store())
    assert 2 < len(await inside(redis, queue, batch)) <= 200


async def test_a_limit_of_none_at_once_is_no_limit(redis, limited, store, batch):
    await limited(6, max_at_once=2)
    held = (await claim(store())).attempts
    await redis.hset(keys.batch(batch), "max_at_once", 0)
    await finish(store(), held)
    assert sorted(await run_all(store())) == [2, 3, 4, 5]


async def test_a_start_that_is_years_away_is_at_once(redis, limited, store, batch):
    await limited(300)
    await redis.hset(keys.batch(batch), "starts", 10**12 * 9)
    assert sorted(await run_all(store())) == list(range(300))


@pytest.mark.parametrize("junk", ["inf", "1e99", "-1", "nan", "x", "1e13", "a day away"])
@pytest.mark.parametrize("pace", ["", "p"])
async def test_a_turn_that_is_no_time_holds_up_nobody(
    redis, limited, store, batch, queue, junk, pace
):
    await limited(3, max_per_second=1000, pace=pace)
    key = KeySpace(queue).gate(pace) if pace else keys.batch(batch)
    if junk == "a day away":  # the clock of the server was set back, or a slower rate was meant
        junk = (await store().claim(0, 0, 0)).now + 86_400_000
    await redis.hset(key, "turn", junk)
    assert slots(await claim_due(store())) == [0]


async def test_junk_among_those_who_go_first_keeps_no_slot_outside(redis, limited, store, batch):
    await limited(4, max_at_once=1)
    await redis.zadd(keys.again(batch), {"x": 0, "3": "inf"})
    await redis.hset(keys.batch(batch), mapping={"again": 2, "beyond": 1})
    assert sorted(await run_all(store())) == [0, 1, 2, 3]
