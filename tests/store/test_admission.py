"""Batches that enter the queue little by little: large ones, and those with a limit."""

import asyncio
from itertools import pairwise

import pytest

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.contract.validation import MIN_RATE
from gatherq.store.jobs import JobStore, Record, Release
from gatherq.store.parking import Admission

from .outcomes import failed
from .steps import claim, claim_all, expired, record
from .worker import succeeded

keys = KeySpace()


@pytest.fixture
def store(redis, queue):
    """A worker whose leases last for the test, unless it says otherwise."""

    def store(worker="w1", lease=60.0):
        return JobStore(redis, KeySpace(queue), worker, lease)

    return store


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


async def commands(redis):
    """Return how many commands the server has run, those of scripts among them."""
    return sum(each["calls"] for each in (await redis.info("commandstats")).values())


async def inside(redis, queue, batch):
    """Return which slots of a batch are in the queue, running ones among them."""
    members = [member.decode().rpartition(":") for member in await redis.zrange(queue, 0, -1)]
    return sorted(int(slot) for of, _, slot in members if of == batch)


async def test_at_most_so_many_are_at_work_and_each_end_admits_the_next(
    redis, limited, store, batch, queue
):
    await limited(1000, max_at_once=3)
    worker, other = store(), store("w2")
    seen = []
    while held := (await claim(worker)).attempts:
        assert len(await inside(redis, queue, batch)) <= 3
        assert (await claim(other)).attempts == []
        seen += slots(held)
        await finish(worker, held[:2])
        assert len(await inside(redis, queue, batch)) <= 3
        await finish(worker, held[2:])
    assert seen == list(range(1000))


async def test_who_died_or_waits_for_a_retry_keeps_its_place(redis, limited, store, batch, queue):
    await limited(5, max_at_once=2)
    worker = store(lease=0.3)
    first, second = (await claim(worker)).attempts
    await worker.release([Release(first, delay=60.0, charge=True)])
    await expired(redis, second)
    assert slots((await claim(store("w2", 0.3))).attempts) == [1]
    assert (await claim(store("w3"))).attempts == []
    assert await inside(redis, queue, batch) == [0, 1]


async def test_a_large_batch_leaves_room_for_one_behind_it(redis, limited, store, batch, queue):
    await limited(10_000)
    assert len(await inside(redis, queue, batch)) == 200
    await limited(3, of=f"{batch}-small")
    worker = store()
    met = await claim_all(worker, 210)
    assert slots(met)[200:203] == [0, 1, 2]
    assert [a.batch for a in met[200:203]] == [f"{batch}-small"] * 3
    assert slots(met[:200]) + slots(met[203:]) == list(range(207))
    rest = await claim_all(worker, 20_000)
    assert slots(rest) == list(range(207, 10_000))


async def test_small_claims_keep_few_of_a_batch_before_others(redis, limited, store, batch, queue):
    await limited(1000)
    worker = store()
    await claim_all(worker, 200)
    for _ in range(300):
        (one,) = (await claim(worker, 1)).attempts
        await finish(worker, [one])
    assert len(await inside(redis, queue, batch)) - 200 <= 20


@pytest.mark.parametrize("slots_of_it", [(), (3, 5, 900)], ids=["all", "some"])
async def test_what_waits_outside_is_cancelled_too(limited, asks, store, batch, slots_of_it):
    await limited(1000, max_at_once=2)
    worker = store()
    held = (await claim(worker)).attempts
    assert await asks.cancel(batch, slots_of_it, "me") == (len(slots_of_it) or 1000)
    await asks.sweep(batch)
    assert (await asks.counts(batch)).cancelled == (len(slots_of_it) or 998)
    await finish(worker, held)
    seen = slots(held)
    while held := (await claim(worker)).attempts:
        await finish(worker, held)
        seen += slots(held)
    counts = await asks.counts(batch)
    assert counts.finished == 1000
    assert seen == [n for n in range(1000) if n not in slots_of_it and (slots_of_it or n < 2)]


async def test_a_redrive_runs_within_the_limit_and_only_what_is_asked_for(
    redis, limited, asks, store, batch, queue
):
    await limited(600, max_at_once=4)
    await asks.cancel(batch, (), "me")
    assert await asks.run_again(batch) == 600
    seen = []
    worker = store()
    while held := (await claim(worker)).attempts:
        assert len(await inside(redis, queue, batch)) <= 4
        seen += slots(held)
        await finish(worker, held)
    assert seen == list(range(600))
    assert (await asks.counts(batch)).succeeded == 600


async def test_a_deadline_ends_what_is_outside(limited, asks, store, batch, pass_time):
    await limited(500, max_at_once=1, deadline=5.0)
    claimed = await claim(store())
    assert claimed.to_sweep == []
    (held,) = claimed.attempts
    await pass_time(6)
    done = await store().record([record(held)])
    assert done.to_sweep == [batch]
    await store().sweep(batch)
    counts = await asks.counts(batch)
    assert (counts.succeeded, counts.timed_out, counts.finished) == (1, 499, 500)


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


async def test_starts_are_spaced(redis, limited, store, batch):
    await limited(6, max_per_second=20)
    worker, starts = store(), []
    while len(starts) < 6:
        found = await claim(worker)
        starts += [found.now] * len(found.attempts)
        assert len(found.attempts) <= 1
        await finish(worker, found.attempts)
    assert all(b - a >= 48 for a, b in zip(starts, starts[2:], strict=False))
    assert starts[-1] - starts[0] >= 4 * 50


async def test_whoever_was_to_start_next_and_is_cancelled_lets_the_next_in(
    redis, limited, asks, batch, queue
):
    await limited(3, max_per_second=1)
    assert await inside(redis, queue, batch) == [0]
    await asks.cancel(batch, [0], "me")
    assert await inside(redis, queue, batch) == [1]


async def test_late_starts_do_not_come_in_a_burst(redis, limited, store, batch, pass_time):
    await limited(50, max_per_second=10)
    worker = store()
    await pass_time(4)  # nobody was there
    burst = [len((await claim(worker, 40)).attempts) for _ in range(5)]
    assert sum(burst) <= 2


async def test_a_retry_is_a_start_too(redis, limited, store, batch):
    await limited(2, max_per_second=2)
    worker = store()
    (first,) = await claim_due(worker)
    await worker.release([Release(first, charge=True)])
    found = await claim(worker)
    assert len(found.attempts) <= 1
    assert (await claim(worker)).attempts == []


async def test_who_died_and_waits_for_its_turn_is_counted_once(redis, limited, store, batch):
    await limited(2, max_per_second=5)
    (held,) = await claim_due(store(lease=0.05))
    await expired(redis, held)
    assert (await claim(store("w2", lease=0.05))).attempts == []  # its turn is in 200 ms
    assert await redis.hget(keys.batch(batch), "running") == b"1"
    two = await claim_due(store("w2"), 2)
    assert await redis.hget(keys.batch(batch), "running") == b"2"
    await finish(store("w2"), [each for each in two if each.slot == held.slot])
    assert await redis.hget(keys.batch(batch), "running") == b"1"


@pytest.mark.parametrize("priority", [-9, 0, 9])
async def test_whoever_must_wait_for_its_turn_is_come_back_for(
    redis, limited, store, batch, priority
):
    await limited(1, max_per_second=2, priority=priority)
    (held,) = await claim_due(store(lease=0.05))
    await expired(redis, held)
    found = await claim(store("w2", lease=0.05))
    assert found.attempts == []
    assert 0 < found.next_in <= 500


async def test_a_higher_priority_goes_first_and_arqs_own_stand_in_the_middle(
    redis, limited, store, batch, queue
):
    for level in (-9, -1, 0, 1, 9):
        await limited(2, of=f"{batch}-{level}", priority=level)
    await redis.set(keys.job("arqs"), b'{"f":"f","a":[],"k":{},"t":null,"et":1}')
    await redis.zadd(queue, {"arqs": (await store().claim(0, 0, 0)).now})
    found = []
    for _ in range(11):
        found += [a.job_id for a in (await claim(store(), 1)).attempts]
    order = [f"{batch}-{level}:{slot}" for level in (9, 1, 0) for slot in (0, 1)]
    order.append("arqs")
    order += [f"{batch}-{level}:{slot}" for level in (-1, -9) for slot in (0, 1)]
    assert found == order


@pytest.mark.parametrize("level", range(-9, 0))
async def test_a_priority_below_0_keeps_the_order_of_the_slots(redis, limited, store, queue, level):
    await limited(150, priority=level)
    scores = [score for _, score in await redis.zrange(queue, 0, -1, withscores=True)]
    assert [score % 1 for score in scores if score % 1 in (0, 0.5)] == []  # said of others
    found = []
    while len(found) < 150:
        found += slots((await claim(store(), 10)).attempts)
    assert found == list(range(150))


@pytest.fixture
def claimed(limited, store, batch):
    """Claim a job with a priority, of a batch of its own."""

    async def claimed(priority):
        await limited(1, of=f"{batch}-{priority}", priority=priority)
        (own,) = (await claim(store())).attempts
        assert own.priority == 0  # its data says nothing here
        own.job = own.job.model_copy(update={"priority": priority})
        return own

    return claimed


async def test_a_priority_is_kept_by_a_retry(limited, store, batch, claimed, pass_time):
    retried = [await claimed(priority) for priority in (-3, 3)]
    await limited(1)
    await pass_time(1)  # it came before the retries
    await store().release([Release(own, charge=True) for own in retried])
    found = (await claim(store(), 10)).attempts
    assert [a.batch for a in found] == [f"{batch}-3", batch, f"{batch}--3"]


@pytest.mark.parametrize("priority", [-9, 9])
async def test_a_retry_waits_for_its_delay_whatever_its_priority(store, claimed, priority):
    await store().release([Release(await claimed(priority), delay=60, charge=True)])
    found = await claim(store())
    assert (found.attempts, found.next_in > 50_000) == ([], True)


async def test_a_call_of_a_higher_priority_overtakes_its_own_batch(limited, store, batch):
    await limited(1000, terms={777: (5, None), 900: (1, None)})
    assert slots((await claim(store(), 4)).attempts) == [777, 900, 0, 1]
    await limited(1000, of=f"{batch}-2", max_at_once=2, terms={777: (5, None)})
    found = []
    while (new := (await claim(store(), 900)).attempts) or len(found) < 1000:
        found += [a for a in new if a.batch == f"{batch}-2"]
        await finish(store(), new)
    assert slots(found[:4]) == [0, 1, 777, 2]  # the first two began before it was written
    assert sorted(slots(found)) == list(range(1000))


async def test_a_call_that_overtakes_all_others_holds_up_none(limited, store):
    await limited(2, max_at_once=1, terms={0: (1, None)})
    for slot in (0, 1):
        held = (await claim(store())).attempts
        assert slots(held) == [slot]
        await finish(store(), held)


async def test_a_call_that_overtakes_is_admitted_once(redis, limited, batch, queue):
    await limited(4, max_at_once=3, terms={0: (1, None)})
    assert await inside(redis, queue, batch) == [0, 1, 2]


async def test_a_call_that_overtakes_and_is_written_again_is_admitted_once(
    redis, asks, store, batch, queue
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(3)]
    terms = {"options": BatchOptions(max_at_once=2), "terms": {2: (1, None)}, "life": "l"}
    await asks.submit(batch, 3, 3600, 0, jobs, digests=digests(jobs), **terms)
    await redis.delete(keys.job(f"{batch}:2"))
    await asks.submit(batch, 3, 3600, 0, jobs, digests=digests(jobs), **terms)
    held = (await claim(store())).attempts
    assert slots(held) == [2, 0]
    await finish(store(), held)
    assert await inside(redis, queue, batch) == [1]


async def test_a_call_that_overtakes_keeps_the_rate(redis, limited, batch, queue):
    await limited(4, max_per_second=2, terms={2: (1, None)})
    assert await inside(redis, queue, batch) == [2]


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


@pytest.mark.parametrize("priority", [-9, -3, 0, 9])
async def test_a_delay_is_kept(limited, store, pass_time, priority):
    await limited(500, delay=10, priority=priority)
    assert (await claim(store())).attempts == []
    assert 9_000 < (await claim(store())).next_in <= 10_000
    await pass_time(10)
    assert slots((await claim(store(), 3)).attempts) == [0, 1, 2]


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


async def test_a_delay_of_a_call_holds_up_no_other(limited, store, batch, pass_time):
    await limited(1000, terms=dict.fromkeys(range(300), (None, 30)))
    found = await claim_all(store(), 1000)
    assert slots(found) == list(range(300, 1000))
    await pass_time(30)
    assert slots(await claim_all(store(), 1000)) == list(range(300))


async def test_a_delayed_call_that_is_cancelled_holds_up_no_other(limited, asks, store, batch):
    delayed = range(250, 300)
    await limited(300, terms=dict.fromkeys(delayed, (None, 30)))
    assert await asks.cancel(batch, delayed, "me") == len(delayed)
    assert slots(await claim_all(store(), 300)) == list(range(250))


@pytest.mark.parametrize("size", [3, 300])
async def test_a_redrive_keeps_the_priority(limited, asks, store, batch, size):
    low = f"{batch}-low"
    await limited(size, of=low, priority=-2)
    await asks.cancel(low, (), "me")
    assert await asks.run_again(low) == size
    await limited(1)
    assert [a.batch for a in (await claim(store(), 2)).attempts] == [batch, low]


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


async def test_what_was_swept_needs_no_further_sweep(limited, asks, store, batch):
    await limited(5, max_at_once=2)
    held = (await claim(store())).attempts
    await asks.cancel(batch, (), "me")
    for attempt in held:
        assert (await store().record([record(attempt)])).to_sweep == []


async def test_a_claim_that_lets_slots_in_comes_for_them_itself(redis, limited, store, queue):
    await limited(1000)
    await redis.delete(KeySpace(queue).wake)
    found = await claim(store(), 300)
    assert (len(found.attempts), found.next_in) == (200, 0)
    assert await redis.exists(KeySpace(queue).wake) == 0  # no other is needed


async def test_a_large_limit_does_not_let_in_all_at_once(redis, limited, batch, queue):
    await limited(1000, max_at_once=500)
    assert len(await inside(redis, queue, batch)) == 200


@pytest.mark.parametrize("look", ["claim", "mend"])
async def test_of_a_batch_with_a_rate_one_waits_in_the_queue_for_its_turn(
    redis, limited, asks, store, batch, queue, look
):
    await limited(5, max_per_second=0.1)
    assert await inside(redis, queue, batch) == [0]
    await claim_due(store())
    for _ in range(3):
        if look == "claim":
            assert (await claim(store())).attempts == []
        else:
            await asks.mend(batch, range(5), 5)
        assert await inside(redis, queue, batch) == [0, 1]


async def test_the_retry_of_a_batch_with_a_rate_lets_no_further_slot_in(
    redis, limited, store, batch, queue
):
    await limited(5, max_per_second=0.1)
    (first,) = await claim_due(store())
    await store().release([Release(first, charge=True)])
    await redis.hset(keys.batch(batch), "turn", 0)  # the next turn has come
    assert slots((await claim(store(), 1)).attempts) == [0]
    assert await inside(redis, queue, batch) == [0, 1]


async def test_those_of_a_fast_rate_stand_in_the_queue_where_their_turns_are(
    redis, limited, batch, queue
):
    await limited(50, max_per_second=1000)
    scores = [score for _, score in await redis.zrange(queue, 0, -1, withscores=True)]
    assert len(scores) > 2
    assert all(b - a > 0.9 for a, b in pairwise(scores))


async def test_batches_of_one_pace_start_at_one_rate(limited, store, batch):
    for of in (batch, f"{batch}-2"):
        await limited(3, of=of, max_per_second=0.1, pace=f"{batch}-pace")
    assert len(await claim_due(store())) == 1
    assert (await claim(store())).attempts == []


async def test_a_redrive_of_a_batch_with_a_rate_runs(limited, asks, store, batch):
    await limited(2, max_per_second=1000)
    await store().record([failed(a) for a in await claim_due(store(), 2)])
    assert await asks.run_again(batch) == 2
    assert slots(await claim_due(store(), 2)) == [0, 1]


async def test_a_call_of_no_higher_priority_stays_in_its_place(limited, store):
    await limited(4, max_at_once=1, priority=1, terms={2: (0, None), 3: (1, None)})
    assert await run_all(store()) == [0, 1, 2, 3]


async def test_what_is_cancelled_outside_leaves_the_order_of_the_others(
    limited, asks, store, batch
):
    await limited(5, max_at_once=1, terms={3: (1, None), 4: (1, None)})
    await asks.cancel(batch, [1, 2], "me")
    assert await run_all(store()) == [3, 4, 0]
    assert (await asks.counts(batch)).finished == 5


async def test_what_is_outside_comes_into_no_other_queue(redis, limited, store, batch, queue):
    await limited(4, max_at_once=1)
    (held,) = (await claim(store())).attempts
    other = KeySpace(f"{queue}-other")
    await JobStore(redis, other, "w1", 60.0).record([record(held)])
    assert await redis.exists(other.queue) == 0


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


async def test_the_longest_interval_is_one(redis, limited, store, batch):
    await limited(3, max_per_second=MIN_RATE)
    assert slots(await claim_due(store())) == [0]
    assert (await claim(store())).attempts == []
    assert await redis.hexists(keys.batch(batch), "turn")


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


async def test_a_look_after_a_large_batch_is_short(redis, asks, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(10)]
    options = BatchOptions(max_at_once=1)
    await asks.submit(batch, 20_000, 3600, 0, jobs, options=options, terms={5: (1, None)})
    before = await commands(redis)
    assert (await asks.mend(batch, range(10), -1)).ended == []
    assert await commands(redis) - before < 1000


async def test_a_step_passes_few_of_those_who_ended_outside(redis, limited, asks, store, batch):
    await limited(2600, max_at_once=1)
    await asks.cancel(batch, list(range(1, 2501)), "me")
    held = (await claim(store())).attempts
    before = await commands(redis)
    await finish(store(), held)
    assert await commands(redis) - before < 3000
    for _ in range(2):  # the next steps go on
        await asks.mend(batch, [2599], 2600)
    assert slots((await claim(store())).attempts) == [2501]
