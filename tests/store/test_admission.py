"""Batches that enter the queue little by little: large ones, and those with a limit."""

from itertools import pairwise

import pytest

from gatherq import call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.contract.validation import MIN_RATE
from gatherq.store.jobs import JobStore, Release

from .admissions import claim_due, finish, inside, run_all, slots
from .outcomes import failed
from .steps import claim, claim_all, expired, record

keys = KeySpace()


@pytest.fixture
def lease():
    return 60.0  # it lasts for the test


async def commands(redis):
    """Return how many commands the server has run, those of scripts among them."""
    return sum(each["calls"] for each in (await redis.info("commandstats")).values())


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


async def test_the_longest_interval_is_one(redis, limited, store, batch):
    await limited(3, max_per_second=MIN_RATE)
    assert slots(await claim_due(store())) == [0]
    assert (await claim(store())).attempts == []
    assert await redis.hexists(keys.batch(batch), "turn")


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
