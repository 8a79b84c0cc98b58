"""Lanes: what a claim takes from them, what it ends there, and what it leaves to others."""

import pytest

from gatherq import call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import JobStore, Release
from gatherq.store.parking import Admission, LaneRoom

from .steps import claim, expired, record

keys = KeySpace()


@pytest.fixture
def store(redis, queue):
    """A worker whose leases last for the test, unless it says otherwise."""

    def store(worker="w1", lease=8.0):
        return JobStore(redis, KeySpace(queue), worker, lease)

    return store


@pytest.fixture
def agree(asks, batch):
    """Submit jobs with options of their batch; with `waits`, each with a queue timeout or None."""

    async def agree(size, waits=(), **options):
        waits = waits or [options.get("queue_timeout")] * size
        jobs = [records.encode_job(call("f", n), batch, n, None, w) for n, w in enumerate(waits)]
        await asks.submit(batch, size, 3600, 0, jobs, options=BatchOptions(**options), life="a")

    return agree


@pytest.fixture
def park(store):
    """Claim as soon as anything is due, and park what was claimed in a lane."""

    async def park(n=10, lane="process"):
        mine = store()
        while not (found := (await claim(mine, n)).attempts):
            pass
        assert not any(await mine.park([Admission(attempt, lane) for attempt in found]))

    return park


@pytest.fixture
def parked(redis, batch):
    """Say how many slots the batch has in lanes, as its counts have it."""

    async def parked():
        return int(await redis.hget(keys.batch(batch), "parked") or 0)

    return parked


async def take(store, n=10, contact=True, **lanes):
    """Claim with so many places in each of these lanes."""
    now = (await store.claim(0, 0, 0)).now
    room = [LaneRoom(name, left, name, left) for name, left in lanes.items()]
    return await store.claim(n, now - 10_000 if contact else now, now, lanes=room)


def slots(claimed):
    return [job.slot for job in claimed.jobs]


async def test_what_a_claim_leaves_in_a_lane_another_worker_is_woken_for(
    redis, submit, park, store, queue
):
    wake = KeySpace(queue).lane_wake("process")
    await submit(5)
    await park()
    for n, taken, woken in ((2, [0, 1], 1), (10, [2, 3, 4], 0)):
        await redis.delete(wake)
        assert slots(await take(store("w2"), n, process=10)) == taken
        assert await redis.llen(wake) == woken


async def test_what_waits_in_a_lane_is_taken_without_full_contact(redis, submit, park, store):
    """Nobody holds it, though its place there is the end of a lease."""
    await submit()
    (first,) = (await claim(store(lease=0.05))).attempts
    await expired(redis, first)
    await park()
    found = await take(store("w2"), contact=False, process=1)
    assert [job.number for job in found.jobs] == [2]


async def test_what_is_parked_is_not_waited_for(submit, park, store):
    await submit()
    await park()
    assert (await take(store("w2"), thread=0)).next_in is None


async def test_whoever_must_wait_for_its_turn_waits_in_the_queue(
    redis, agree, park, parked, store, batch, queue
):
    await agree(2, max_per_second=0.01)
    await park()
    await redis.zadd(queue, {f"{batch}:1": 1.25})  # before its turn
    assert slots(await take(store("w2"))) == []
    assert await parked() == 1
    assert slots(await take(store("w2"), process=1)) == []
    assert await parked() == 0
    assert not await redis.exists(KeySpace(queue).lane("process"))


@pytest.mark.parametrize("fraction", [0.0, 0.5])
async def test_who_leaves_a_lane_to_wait_for_its_turn_is_not_taken_for_begun(
    redis, agree, park, store, batch, queue, fraction
):
    """Its place in the lane is a time, with whatever fraction: it says nothing of a worker."""
    await agree(2, max_per_second=0.01)
    while not (found := (await claim(store())).attempts):  # its turn comes in a millisecond
        pass
    (first,) = found
    await store().release([Release(first, charge=True)])
    await redis.hdel(keys.batch(batch), "turn")
    await park()
    lane = KeySpace(queue).lane("process")
    await redis.zadd(lane, {first.job_id: 1_000 + fraction})
    assert slots(await take(store("w2"), process=1)) == []
    await redis.hdel(keys.batch(batch), "turn")
    await redis.zadd(queue, {first.job_id: await redis.zscore(queue, first.job_id) - 10**8})
    (again,) = (await take(store("w2"))).jobs
    assert (again.slot, again.number) == (0, 2)
    assert await redis.hget(keys.batch(batch), "running") == b"1"


@pytest.fixture
async def alone(redis, queue, batch):
    """A job that belongs to no batch."""
    id_ = f"alone-{batch}"
    await redis.set(keys.job(id_), b'{"t":1,"f":"f","a":[],"k":{},"et":1}')
    await redis.zadd(queue, {id_: 1.0})
    return id_


async def test_a_job_without_a_batch_waits_in_a_lane_like_any(redis, alone, park, store):
    await park()
    assert not await redis.exists(keys.retry(alone), keys.in_progress(alone))
    assert (await take(store("w2"), process=0)).jobs == []
    assert [(job.job_id, job.number) for job in (await take(store("w2"), process=1)).jobs] == [
        (alone, 1)
    ]


async def test_whose_lease_is_lost_parks_nothing(redis, submit, store, parked):
    await submit()
    mine = store(lease=0.05)
    (first,) = (await claim(mine)).attempts
    await expired(redis, first)
    (second,) = (await claim(store("w2"))).attempts
    assert await mine.park([Admission(first, "process")]) == [False]
    assert await parked() == 0
    assert (await store("w2").record([record(second, "w2")])).replies == ["recorded"]


async def test_a_lane_that_nobody_serves_is_put_back_with_its_counts(
    redis, submit, alone, park, parked, store, queue
):
    """Also what belongs to no batch; and no lane is left."""
    await submit(2)
    await park()
    await redis.delete(KeySpace(queue).wake)
    await store("w2").tend_lanes(["thread"])
    assert await parked() == 0
    assert not await redis.exists(KeySpace(queue).lane("process"))
    assert await redis.llen(KeySpace(queue).wake) == 1
    assert len((await claim(store("w2"))).attempts) == 3


async def test_where_no_lane_is_to_be_put_back_nobody_is_woken(redis, submit, store, queue):
    await submit()
    await redis.delete(KeySpace(queue).wake)
    await store("w2").tend_lanes(["thread"])
    assert await redis.llen(KeySpace(queue).wake) == 0


async def test_what_runs_is_not_queued_for_standing_in_a_lane_that_nobody_serves(
    redis, submit, store, queue
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    before = await redis.zscore(queue, attempt.job_id)
    await redis.zadd(KeySpace(queue).lane("process"), {attempt.job_id: 1})
    await redis.sadd(KeySpace(queue).lanes, "process")
    await store("w2").tend_lanes(["thread"])
    assert await redis.zscore(queue, attempt.job_id) == before


@pytest.mark.parametrize("places", [0, 5])
@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({"deadline": 30}, "timed_out"),
        ({"queue_timeout": 30}, "timed_out"),
        ({"queue_timeout": 60}, "cancelled"),
    ],
    ids=["deadline", "queue_timeout", "cancelled"],
)
async def test_what_may_not_run_any_more_ends_in_its_lane_once(
    redis, agree, asks, park, parked, store, batch, pass_time, queue, terms, status, places
):
    await agree(2, **terms)
    await park()
    early = await take(store("w2"), process=0)
    assert early.jobs == []
    assert 0 < early.next_in <= 1000 * sum(terms.values())
    if status == "cancelled":
        await redis.hset(keys.batch(batch), "cancelled_by", "me")
    await pass_time(31)
    assert (await take(store("w2"), process=places)).jobs == []
    counts = await asks.counts(batch)
    assert (getattr(counts, status), counts.finished, await parked()) == (2, 2, 0)
    assert not await redis.exists(KeySpace(queue).lane("process"))


async def test_in_a_lane_only_those_end_that_waited_too_long(
    agree, asks, park, store, batch, pass_time
):
    """One was begun in time, and one may wait for ever."""
    await agree(3, waits=[30.0, 30.0, None], queue_timeout=30)
    (begun,) = (await claim(store(), 1)).attempts
    await store().release([Release(begun, charge=True)])
    await park()
    await pass_time(31)
    assert (await take(store("w2"), process=0)).jobs == []
    assert await asks.recorded(batch, range(3)) == [1]


async def test_what_runs_does_not_end_for_standing_in_a_lane(redis, submit, store, batch, queue):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await redis.zadd(KeySpace(queue).lane("process"), {attempt.job_id: 1})
    await redis.hset(keys.batch(batch), "cancelled_by", "me")
    await take(store("w2"), process=0)
    assert (await store().record([record(attempt)])).replies == ["recorded"]


async def test_a_claim_that_ends_many_in_the_queue_leaves_those_in_lanes_to_the_next(
    redis, agree, asks, park, store, batch, pass_time, queue
):
    await agree(200, deadline=30)
    await park(20)
    await pass_time(31)
    found = await take(store("w2"), process=0)
    assert found.next_in == 0
    assert (await asks.counts(batch)).timed_out == 120
    assert await redis.zcard(KeySpace(queue).lane("process")) == 20
