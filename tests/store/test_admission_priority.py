"""Priorities and delays of batches that enter the queue little by little, and of their calls."""

import pytest

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Release

from .admissions import finish, inside, run_all, slots
from .steps import claim, claim_all

keys = KeySpace()


@pytest.fixture
def lease():
    return 60.0  # it lasts for the test


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


@pytest.mark.parametrize("priority", [-9, -3, 0, 9])
async def test_a_delay_is_kept(limited, store, pass_time, priority):
    await limited(500, delay=10, priority=priority)
    assert (await claim(store())).attempts == []
    assert 9_000 < (await claim(store())).next_in <= 10_000
    await pass_time(10)
    assert slots((await claim(store(), 3)).attempts) == [0, 1, 2]


async def test_a_delay_is_kept_by_what_is_admitted_later(limited, asks, store, batch):
    await limited(3, max_at_once=1, delay=10)
    assert await asks.cancel(batch, [0], "me") == 1
    found = await claim(store())
    assert found.attempts == []
    assert 9_000 < found.next_in <= 10_000


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


async def test_a_call_of_no_higher_priority_stays_in_its_place(limited, store):
    await limited(4, max_at_once=1, priority=1, terms={2: (0, None), 3: (1, None)})
    assert await run_all(store()) == [0, 1, 2, 3]
