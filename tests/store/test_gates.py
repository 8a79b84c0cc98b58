"""Gates and lanes: what a worker claims and may not begin waits where it costs others nothing."""

import pytest

from gatherq import call
from gatherq.contract.keys import KeySpace
from gatherq.contract.records import encode_job
from gatherq.store.jobs import Release
from gatherq.store.parking import Admission, Gate, LaneRoom

from .admissions import finish, slots
from .steps import LEASE, claim, expired

keys = KeySpace()


async def test_a_full_gate_parks_and_each_end_calls_the_next(redis, submit, enter, store, queue):
    await submit(8)
    gate = Gate("f", most=2)
    begun = await enter(gate)
    seen = slots(begun)
    for _ in range(6):
        assert (await claim(store("w2"))).attempts == []
        await finish(store(), begun[:1])
        begun = begun[1:] + await enter(gate)
        assert len(begun) == 2
        seen += slots(begun[1:])
    assert seen == list(range(8))


async def test_a_gate_that_says_none_may_enter_lets_in_one_at_a_time(
    redis, submit, enter, store, queue
):
    await submit(3)
    begun, seen = await enter(Gate("f", most=1)), []
    while begun:
        seen += slots(begun)
        await redis.hset(KeySpace(queue).gate("f"), "most", 0)
        await finish(store(), begun)
        begun = await enter(Gate("f", most=1))
    assert seen == [0, 1, 2]


async def drained(redis, queue):
    """Whether nothing of gates is left but what expires."""
    names = [key async for key in redis.scan_iter(f"gatherq:*{queue}*", 10_000)]
    left = [name for name in names if b"holders" in name or b"waiting" in name or b"gates" in name]
    return left == []


@pytest.mark.parametrize("way", ["cancel", "delete", "release", "lapse", "record"])
async def test_whoever_leaves_lets_the_next_in(
    redis, submit, asks, enter, store, batch, queue, way
):
    await submit(2)
    gate = Gate("f", most=1)
    (first,) = await enter(gate, lease=LEASE)
    if way == "cancel":
        await store().release([Release(first)])
        await asks.cancel(batch, (0,), "me")
    elif way == "delete":
        assert await asks.remove(batch)
        assert await drained(redis, queue)
        return
    elif way == "release":
        await store().release([Release(first, delay=60, charge=True)])
    elif way == "lapse":
        await expired(redis, first)
        (again,) = await enter(gate, worker="w2")
        assert (again.slot, again.number) == (0, 2)
        await finish(store("w2"), [again])
    else:
        await finish(store(), [first])
    (second,) = await enter(gate, worker="w2")
    assert second.slot == 1
    await finish(store("w2"), [second])
    assert await drained(redis, queue)


async def test_what_is_parked_is_uncharged_and_can_be_cancelled(submit, asks, enter, store, batch):
    await submit(3)
    gate = Gate("f", most=1)
    (first,) = await enter(gate)
    assert (await asks.counts(batch)).running == 1
    assert await asks.cancel(batch, (1,), "me") == 1
    await finish(store(), [first])
    (third,) = await enter(gate)
    assert (third.slot, third.number) == (2, 1)
    counts = await asks.counts(batch)
    assert (counts.running, counts.cancelled, counts.succeeded) == (1, 1, 1)


async def test_lanes_share_the_places_of_a_kind(submit, park, store):
    await submit(9)
    await park("process", 5)
    await park("job-f", 4)
    room = [LaneRoom("process", 3, "process", 3), LaneRoom("job-f", 2, "process", 3)]
    now = (await store().claim(0, 0, 0)).now
    found = await store("w2").claim(10, now - 10_000, now, lanes=room)
    assert [job.slot for job in found.jobs] == [0, 1, 2]
    room = [LaneRoom("job-f", 2, "process", 3), LaneRoom("process", 3, "process", 3)]
    found = await store("w2").claim(10, now - 10_000, now, lanes=room)
    assert [job.slot for job in found.jobs] == [5, 6, 3]


async def test_gates_of_other_names_are_open(submit, store):
    await submit(4)
    mine = store()
    found = (await claim(mine)).attempts
    gates = [Gate(f"f:{a.slot % 2}", most=1) for a in found]
    asked = [Admission(a, "", gate) for a, gate in zip(found, gates, strict=True)]
    assert await mine.park(asked) == [True, True, False, False]


async def test_jobs_of_no_batch_pass_a_gate_too(redis, alone, enter, store, queue):
    ids = await alone(2)
    gate = Gate("f", most=1)
    (first,) = await enter(gate)
    await finish(store(), [first])
    (second,) = await enter(gate)
    assert [first.job_id, second.job_id] == ids
    assert not await redis.hexists(KeySpace(queue).gate("f"), "called")  # that is of rates


async def test_holders_that_are_lost_keep_no_gate_shut(redis, submit, enter, queue, batch):
    await submit(2)
    gate = Gate("f", most=1)
    (first,) = await enter(gate, n=1)
    await redis.zrem(queue, first.job_id)
    await redis.delete(keys.in_progress(first.job_id), keys.retry(first.job_id))
    assert slots(await enter(gate)) == [1]


async def test_a_collector_lets_in_who_was_forgotten(redis, submit, asks, enter, queue, batch):
    await submit(2)
    gate = Gate("f", most=1)
    (first,) = await enter(gate)
    await redis.zrem(queue, first.job_id)
    await redis.delete(keys.in_progress(first.job_id), keys.retry(first.job_id))
    assert await enter(gate) == []  # the other one is parked, nobody comes any more
    await asks.mend(batch, [0, 1], 2)
    assert await enter(gate) != []


@pytest.mark.parametrize("has_worker", [True, False])
async def test_a_worker_now_and_then_lets_in_who_was_forgotten(
    redis, alone, enter, store, queue, has_worker
):
    """Nobody collects them, and nobody else comes to the gate."""
    ids = await alone(3)
    (first,) = await enter(Gate("f", most=1))
    await redis.zrem(queue, first.job_id)
    if not has_worker:
        await redis.delete(keys.in_progress(first.job_id), keys.retry(first.job_id))
    await redis.delete(KeySpace(queue).wake)
    assert await enter(Gate("f", most=1)) == []
    await store("w2").tend_lanes([])
    assert await redis.exists(KeySpace(queue).wake) == (not has_worker)
    begun = [attempt.job_id for attempt in await enter(Gate("f", most=1))]
    assert begun == ([] if has_worker else ids[1:2])


async def test_a_worker_now_and_then_calls_the_next_at_a_rate(redis, alone, enter, store, queue):
    ids = await alone(3)
    gate, called = KeySpace(queue).gate("f"), [id_.encode() for id_ in ids]
    await enter(Gate("f", interval=20_000_000))
    assert await redis.hget(gate, "called") == called[1]
    await redis.zrem(queue, ids[1])
    await redis.delete(keys.in_progress(ids[1]), keys.retry(ids[1]))
    await store("w2").tend_lanes([])
    assert await redis.hget(gate, "called") == called[2]


@pytest.mark.parametrize("lost", ["waiting", "waiting and gates", "lane", "lane and lanes"])
async def test_a_worker_now_and_then_puts_back_who_waits_nowhere(
    redis, submit, enter, park, store, batch, queue, lost
):
    await submit(4)
    space = KeySpace(queue)
    if "lane" in lost:
        (first,) = (await claim(store(), 1)).attempts
        await park()
    else:
        (first,) = await enter(Gate("f", most=1))
    names = {"waiting": space.waiting("f"), "gates": space.gates}
    names |= {"lane": space.lane("process"), "lanes": space.lanes}
    await redis.delete(*(names[name] for name in lost.split(" and ")))
    assert await redis.hget(keys.batch(batch), "parked") == b"3"
    await store("w2").tend_lanes(["process"])
    assert await redis.hget(keys.batch(batch), "parked") == b"0"
    await finish(store(), [first])
    assert slots((await claim(store())).attempts) == [1, 2, 3]


async def test_who_waits_where_it_should_is_left_there(redis, submit, enter, park, store, queue):
    await submit(6)
    await enter(Gate("f", most=1), 3)
    await park()
    before = await redis.zrange(queue, 0, -1, withscores=True)
    await store("w2").tend_lanes(["process"])
    assert await redis.zrange(queue, 0, -1, withscores=True) == before


async def test_who_is_let_in_so_is_counted_once(redis, submit, enter, store, batch, queue):
    await submit(5)
    for holder in await enter(Gate("f", most=2)):
        await redis.zrem(queue, holder.job_id)
        await redis.delete(keys.in_progress(holder.job_id), keys.retry(holder.job_id))
    assert await redis.hget(keys.batch(batch), "parked") == b"3"
    await store("w2").tend_lanes([])
    assert await redis.hget(keys.batch(batch), "parked") == b"1"


async def test_each_of_many_gates_is_looked_at_in_the_end(redis, alone, enter, store, queue):
    """Others of the parked jobs are looked at each time: the more, the more looks it takes."""
    await alone(90)
    found = (await claim(store(), 90)).attempts
    gates = [Gate(f"f:{place % 30}", most=1) for place in range(90)]
    replies = await store().park([Admission(a, "", g) for a, g in zip(found, gates, strict=True)])
    assert replies.count(True) == 30
    for holder in found[:30]:
        await redis.zrem(queue, holder.job_id)
        await redis.delete(keys.in_progress(holder.job_id), keys.retry(holder.job_id))
    waiting = [KeySpace(queue).waiting(gate.name) for gate in gates[:30]]
    for _ in range(1000):
        await store("w2").tend_lanes([])
        if sum([await redis.zcard(key) for key in waiting]) == 30:
            break
    assert [await redis.zcard(key) for key in waiting] == [1] * 30


async def test_whom_a_collector_lets_in_is_parked_no_more_and_counted_once(
    redis, submit, asks, enter, batch, queue
):
    await submit(5)
    gate = Gate("f", most=2)
    for holder in await enter(gate):
        await redis.zrem(queue, holder.job_id)
        await redis.delete(keys.in_progress(holder.job_id), keys.retry(holder.job_id))
    assert await redis.hget(keys.batch(batch), "parked") == b"3"
    await asks.mend(batch, [2, 3, 4], 5)
    assert await redis.hget(keys.batch(batch), "parked") == b"1"


async def test_a_holder_that_runs_keeps_its_place_without_the_queue(
    redis, submit, enter, store, queue
):
    await submit(2)
    gate = Gate("f", most=1)
    (first,) = await enter(gate, n=1)
    await redis.zrem(queue, first.job_id)
    assert await enter(gate) == []
    await finish(store(), [first])
    assert slots(await enter(gate)) == [1]


async def test_a_gate_that_has_lost_its_limits_lets_one_in(
    redis, submit, asks, enter, store, batch, queue
):
    await submit(4)
    gate = Gate("f", most=1)
    (first,) = await enter(gate)
    await redis.delete(KeySpace(queue).gate("f"))
    await asks.mend(batch, range(4), 4)
    await finish(store(), [first])
    assert slots((await claim(store())).attempts) == [1]


@pytest.fixture
def park(store):
    """Claim, and park all in a lane."""

    async def park(lane="process", n=10, worker="w1"):
        mine = store(worker)
        found = (await claim(mine, n)).attempts
        assert await mine.park([Admission(a, lane) for a in found]) == [False] * len(found)
        return found

    return park


async def taken(store, lanes, n=10):
    now = (await store.claim(0, 0, 0)).now
    room = [LaneRoom(name, left, name, left) for name, left in lanes.items()]
    found = await store.claim(n, now - 10_000, now, lanes=room)
    return [(job.slot, job.number) for job in found.jobs]


async def test_a_lane_is_taken_from_first_in_order_and_by_who_has_a_place(submit, park, store):
    await submit(12)
    await park(n=11)
    assert await taken(store("w2"), {}) == [(11, 1)]
    assert await taken(store("w2"), {"process": 0}) == []
    assert await taken(store("w2"), {"process": 2, "thread": 3}) == [(0, 1), (1, 1)]
    assert await taken(store("w3"), {"process": 20}) == [(n, 1) for n in range(2, 11)]


async def test_whoever_has_a_place_is_woken(redis, submit, park, store, queue):
    await submit(3)
    await redis.delete(keys.lane_wake("process"))
    await park()
    waiting = store("w2")
    await waiting.wait(30, ["process"])  # it returns
    assert await taken(waiting, {"process": 1}) == [(0, 1)]
    await store("w3").wait(30, ["process"])  # for there is more


async def test_a_parked_job_ends_as_any_queued_one(redis, submit, asks, park, store, batch, queue):
    await submit(4)
    await park()
    assert await asks.cancel(batch, (2,), "me") == 1
    assert await taken(store("w2"), {"process": 10}) == [(0, 1), (1, 1), (3, 1)]
    assert await redis.exists(KeySpace(queue).lane("process")) == 0
    await asks.cancel(batch, (), "me")
    assert await redis.hget(keys.batch(batch), "parked") == b"0"


async def test_what_ends_elsewhere_leaves_in_the_lane_who_is_there(
    redis, submit, asks, park, batch
):
    await submit(3)
    await park(n=2)
    await asks.cancel(batch, (2,), "me")
    assert await redis.hget(keys.batch(batch), "parked") == b"2"
    await asks.cancel(batch, (1,), "me")
    assert await redis.hget(keys.batch(batch), "parked") == b"1"


async def test_a_lost_lane_is_mended(redis, submit, asks, park, store, batch, queue):
    await submit(3)
    await park()
    await asks.mend(batch, [0, 1, 2], 3)
    assert await taken(store("w2"), {}) == []  # nothing is lost
    await redis.delete(KeySpace(queue).lane("process"))
    await asks.mend(batch, [0, 1, 2], 3)
    assert await taken(store("w2"), {}) == [(0, 1), (1, 1), (2, 1)]


async def test_a_late_outcome_of_a_job_that_is_parked_again_is_counted_once(
    redis, submit, asks, park, store, batch
):
    await submit()
    (first,) = (await claim(store(), 1)).attempts
    await expired(redis, first)
    await park(n=1, worker="w2")
    await finish(store(), [first])
    assert await redis.hmget(keys.batch(batch), "running", "parked") == [b"0", b"0"]


@pytest.mark.arq
async def test_arq_takes_what_is_parked_for_deferred(redis, submit, park, batch, queue):
    from arq.connections import ArqRedis
    from arq.jobs import Job, JobStatus

    await submit(1)
    await park()
    arq = ArqRedis(redis.connection_pool)
    assert await Job(f"{batch}:0", arq, queue).status() is JobStatus.deferred


@pytest.mark.parametrize("where", ["lane", "gate"])
async def test_a_batch_that_is_parked_lets_others_have_their_turn(
    submit, asks, store, batch, where
):
    """All of the first waits already; the second comes behind one of it, and not behind all."""
    mine, gate = store(), Gate("f", most=1)
    await submit(50)

    async def meet():
        while found := (await claim(mine, 50)).attempts:
            asked = [
                Admission(a, "process") if where == "lane" else Admission(a, "", gate)
                for a in found
            ]
            yield [a for a, goes in zip(found, await mine.park(asked), strict=True) if goes]

    begun = [a async for some in meet() for a in some]
    other = f"{batch}-2"
    jobs = [encode_job(call("f"), other, slot, None) for slot in range(2)]
    await asks.submit(other, 2, 3600, 0, jobs, life="2")
    begun += [a async for some in meet() for a in some]
    order = []
    for _ in range(6):
        if where == "lane":
            now = (await mine.claim(0, 0, 0)).now
            room = [LaneRoom("process", 1, "process", 1)]
            (job,) = (await mine.claim(1, now - 10_000, now, lanes=room)).jobs
            order.append((job.batch, job.slot))
        else:
            order += [(a.batch, a.slot) for a in begun]
            await finish(mine, begun)
            begun = [a async for some in meet() for a in some]
    first, second = ([slot for of, slot in order if of == each] for each in (batch, other))
    assert second == [0, 1]
    assert first == list(range(len(first)))


async def test_a_lane_that_nobody_serves_any_more_is_put_back(redis, submit, park, store, queue):
    await submit(3)
    await store("w1").tend_lanes(["process"])
    await park()
    await store("w2").tend_lanes(["thread"])
    assert await taken(store("w2"), {}) == []  # somebody serves it
    await redis.delete(KeySpace(queue).lane_served("process"))
    await store("w2").tend_lanes(["thread"])
    assert await taken(store("w2"), {}) == [(0, 1), (1, 1), (2, 1)]
    await store("w2").tend_lanes(["thread"])
    assert not await redis.exists(KeySpace(queue).lanes)


@pytest.mark.parametrize("score", ["-inf", "+inf", "-5", "1e300"])
async def test_any_score_in_a_lane_or_at_a_gate_is_a_place_there(
    redis, submit, enter, park, store, queue, score
):
    space = KeySpace(queue)
    await submit(4)
    (first,) = await enter(Gate("f", most=1), 2)
    for member in await redis.zrange(space.waiting("f"), 0, -1):
        await redis.zadd(space.waiting("f"), {member: score})
    await park()
    for member in await redis.zrange(space.lane("process"), 0, -1):
        await redis.zadd(space.lane("process"), {member: score})
    await finish(store(), [first])
    assert slots(await enter(Gate("f", most=1))) == [1]
    assert await taken(store("w2"), {"process": 5}) == [(2, 1), (3, 1)]


@pytest.mark.parametrize("score", ["-1e300", "1e300"])
async def test_a_retry_that_any_score_has_in_a_lane_runs_once_it_is_taken(
    redis, submit, park, store, batch, queue, score
):
    await submit()
    (first,) = (await claim(store())).attempts
    await store().release([Release(first, charge=True)])
    await park()
    await redis.zadd(KeySpace(queue).lane("process"), {first.job_id: score})
    assert await taken(store("w2"), {"process": 1}) == [(0, 2)]
    assert await redis.hmget(keys.batch(batch), "running", "parked") == [b"1", b"0"]


@pytest.mark.parametrize("score", ["-inf", "-5", "0"])
async def test_a_job_of_any_score_is_claimed_and_parked(redis, submit, store, queue, batch, score):
    await submit(1)
    await redis.zadd(queue, {f"{batch}:0": score})
    mine = store()
    (job,) = (await claim(mine)).attempts
    assert await mine.park([Admission(job, "process")]) == [False]
    assert await taken(store("w2"), {"process": 5}) == [(0, 1)]


@pytest.mark.parametrize("of", ["holder", "waiting"])
async def test_whoever_is_nowhere_any_more_leaves_though_nobody_knows_its_gate(
    redis, submit, enter, batch, queue, of
):
    """What another program has written in the place of the gates of jobs fails no step."""
    await submit(3)
    gate = Gate("f", most=1)
    (first,) = await enter(gate, 1)
    if of == "waiting":
        assert await enter(gate, 1) == []
        await redis.zrem(queue, f"{batch}:1")
    await redis.zrem(queue, first.job_id)
    await redis.delete(keys.in_progress(first.job_id), KeySpace(queue).gates)
    await redis.set(KeySpace(queue).gates, "x")
    assert slots(await enter(gate, 1)) == [2 if of == "waiting" else 1]
