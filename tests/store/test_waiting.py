"""Slots that limits hold back: outside of the queue, in a lane, at a gate. What looks sees them."""

import pytest

from gatherq import Inspector
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.jobs import Call
from gatherq.contract.keys import KeySpace, job_id
from gatherq.inspection.redaction.values import hide
from gatherq.store.inspection.queue_reader import QueueReader
from gatherq.store.parking import Admission, Gate

from ..conftest import until
from .steps import claim, record

keys = KeySpace()


@pytest.fixture
def limited(asks, batch):
    """Submit a batch of at most 400 jobs, with options."""

    async def limited(size, *, of=batch, name="f", **options):
        terms = options.get("priority", 0), options.get("delay", 0.0)
        jobs = [
            records.encode_job(Call(name, (n,), {}), of, n, None, None, *terms) for n in range(size)
        ]
        given = BatchOptions(**options)
        listed = BatchOrigin(kind="submit")
        await asks.submit(of, size, 3600, 0, jobs, options=given, life=of, origin=listed)

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


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


async def places(inspector, batch):
    return [(slot.status, slot.waits_at) async for slot in inspector.slots(batch)]


async def test_a_slot_says_that_it_waits_and_for_what(inspector, limited, park, batch):
    await limited(6, max_at_once=4)
    await park(lane="process", n=1)
    assert len(await park(gate=Gate('f:"x"', most=1), n=2)) == 1
    assert await places(inspector, batch) == [
        ("waiting", "lane:process"),
        ("running", ""),
        ("waiting", 'gate:f:"x"'),
        ("queued", ""),
        ("waiting", "batch"),
        ("waiting", "batch"),
    ]
    assert len([s async for s in inspector.slots(batch, "status:waiting")]) == 4
    found = await inspector.batch(batch)
    assert (found.waiting, found.outside, found.parked) == (4, 2, 2)
    assert (found.running, found.queued, found.left) == (1, 1, 6)
    assert (found.max_at_once, found.max_per_second, found.priority) == (4, None, 0)
    assert (found.starts, found.next_start) == (None, None)


async def test_a_batch_tells_its_limits(inspector, limited, store, batch):
    await limited(6, max_per_second=2, priority=-3, delay=30)
    found = await inspector.batch(batch)
    assert (found.max_per_second, found.priority) == (2.0, -3)
    assert 29 < (found.starts - found.created).total_seconds() <= 30
    await limited(6, of=f"{batch}-2", max_per_second=2)
    async with until(20):
        while not (await claim(store())).attempts:  # the first may start in a ms
            pass
    found = await inspector.batch(f"{batch}-2")
    assert 0 < (found.next_start - found.started).total_seconds() <= 0.6


async def test_a_slot_that_goes_first_waits_until_redis_has_lost_it(
    redis, inspector, limited, asks, batch, queue
):
    await limited(5, max_at_once=2)
    assert await asks.cancel(batch, (1, 4), "me") == 2
    await asks.run_again(batch)
    queued, outside = ("queued", ""), ("waiting", "batch")
    assert await places(inspector, batch) == [queued, outside, queued, outside, outside]
    await redis.zrem(queue, *await redis.zrange(queue, 0, -1))
    statuses = [status for status, _ in await places(inspector, batch)]
    assert statuses.count("missing") == 2


async def test_who_hides_arguments_hides_those_in_the_name_of_a_gate(
    server_url, queue, limited, park, batch
):
    await limited(2)
    await park(gate=Gate('f:"secret"', most=1))
    async with Inspector(server_url, queue=queue, redact=hide) as inspector:
        assert ("waiting", "gate:f:...") in await places(inspector, batch)


@pytest.mark.parametrize("of", ["gates", "lanes", "again", "lane", "batch"])
@pytest.mark.parametrize("kind", ["string", "list"])
async def test_junk_in_these_keys_fails_nothing(
    redis, inspector, limited, park, asks, batch, queue, of, kind
):
    await limited(6, max_at_once=4)
    await park(lane="process", n=1)
    await park(gate=Gate("f", most=1), n=2)
    space = KeySpace(queue)
    names = {"again": space.again(batch), "lane": space.lane("process"), "batch": ""}
    if of == "batch":
        junk = dict.fromkeys(("admitted", "beyond", "again", "parked", "starts"), b"\xff-1e9")
        await redis.hset(space.batch(batch), mapping={**junk, "priority": "--7", "interval": "0"})
    else:
        key = names.get(of) or getattr(space, of)
        await redis.delete(key)
        await (redis.set(key, b"\xff") if kind == "string" else redis.rpush(key, b"\xff"))
    found = await places(inspector, batch)
    assert [status for status, _ in found][:4] == ["waiting", "running", "waiting", "queued"]
    assert (await inspector.queue_info()).parked == 2
    assert (await inspector.batch(batch)).left == 6
    assert (await inspector.explain(batch)).causes
    await asks.counts(batch)
    await asks.standings(batch, range(6))


async def test_a_queue_counts_what_waits_apart_from_what_is_deferred(
    inspector, limited, park, batch
):
    await limited(10, of=f"{batch}-1", max_at_once=6)
    await park(lane="process", n=3)
    await park(gate=Gate("f", most=1), n=2)
    await limited(2, of=f"{batch}-2", delay=60)
    found = await inspector.queue_info()
    assert (found.claimable, found.running, found.deferred) == (1, 1, 2)
    assert (found.parked, found.in_lanes, found.at_gates) == (4, 3, 1)
    assert (found.lanes, found.outside, found.held_back) == ({"process": 3}, 4, 8)
    assert (found.admissible, found.demand) == (0, 1 + 1 + 3)
    assert 50 < (found.next_deferred - (await inspector.pool()).time).total_seconds() <= 60


async def test_what_a_large_batch_would_let_in_needs_workers(
    redis, inspector, limited, asks, batch, queue
):
    await limited(400)
    found = await inspector.queue_info()
    assert (found.claimable, found.outside, found.admissible, found.demand) == (200, 200, 200, 400)
    assert await QueueReader(redis, KeySpace(queue)).unfinished() == 400
    await asks.cancel(batch, (), "me")
    assert (await inspector.queue_info()).demand == 0


async def test_a_low_priority_is_claimable_and_no_high_one_seems_to_wait_for_hours(
    inspector, limited, batch
):
    await limited(2, of=f"{batch}-1", priority=9)
    await limited(2, of=f"{batch}-2", priority=-9)
    await limited(1, of=f"{batch}-3", priority=-1, delay=30)
    found = await inspector.queue_info()
    assert (found.claimable, found.deferred, found.demand) == (4, 1, 4)
    assert found.waiting < 60
    pool = await inspector.pool()
    assert 0 < (found.next_deferred - pool.time).total_seconds() <= 30
    (slot, _) = [slot async for slot in inspector.slots(f"{batch}-2")]
    assert abs((slot.due - pool.time).total_seconds()) < 60


async def test_what_stands_before_a_job_of_a_low_priority(inspector, limited, batch):
    async def behind(number):
        causes = (await inspector.explain(f"{batch}-{number}")).causes
        return next((cause.text for cause in causes if cause.code == "BEHIND"), "")

    levels = [(1, 9, 1), (2, -9, 2), (3, -9, 5), (4, -8, 3), (5, 0, 4)]
    for number, level, size in levels:
        await limited(size, of=f"{batch}-{number}", priority=level)
    assert await behind(1) == ""
    assert (await behind(5)).startswith("1 job stands before it")
    assert (await behind(4)).startswith(f"{1 + 4} jobs stand before it")
    assert (await behind(2)).startswith(f"{1 + 4 + 3} jobs stand before it")
    assert (await behind(3)).startswith(f"{1 + 4 + 3 + 2} jobs stand before it")


async def test_the_oldest_is_found_behind_those_of_a_high_priority(
    inspector, limited, batch, pass_time
):
    await limited(3)
    await pass_time(7200)
    await limited(3, of=f"{batch}-2", priority=5)
    assert 7190 < (await inspector.queue_info()).waiting < 7260


async def test_a_gate_tells_who_is_inside_and_how_many_wait(inspector, limited, park, batch):
    await limited(6)
    first, _ = await park(gate=Gate('f:"x"', most=2), n=5)
    await park(gate=Gate("f", interval=50_000), n=1)
    shut, other = await inspector.gates()
    assert (shut.name, shut.job, shut.max_at_once, shut.max_per_second) == ('f:"x"', "f", 2, None)
    assert (shut.holders, shut.waiting, shut.full) == (2, 3, True)
    assert shut.inside[0] == first.job_id
    assert (other.name, other.holders, other.max_per_second, other.full) == ("f", 1, 20, False)
    assert other.next_start is not None


async def test_explain_says_for_what_it_waits(inspector, limited, park, batch):
    await limited(10, max_at_once=6)
    await park(lane="process", n=2)
    begun = await park(gate=Gate('f:"x"', most=1), n=3)
    found = {cause.code: cause.text for cause in (await inspector.explain(batch)).causes}
    assert found["GATE"] == (
        f'2 slots wait at the gate f:"x": it is full, 1 of 1, by {begun[0].job_id}'
    )
    assert found["NO_PLACE"].startswith("2 slots wait for a free process; no live worker")
    assert found["MAX_AT_ONCE"].startswith("4 slots wait since max_at_once=6 lets no more in: 6 ")
    assert "DATA_GONE" not in found
    assert "DEFERRED" not in found
    of_one = {cause.code for cause in (await inspector.explain(f"{batch}:3")).causes}
    assert {"GATE", "NO_PLACE", "MAX_AT_ONCE"} & of_one == {"GATE"}


@pytest.mark.parametrize("of", ["gates", "gate", "holders", "waiting"])
@pytest.mark.parametrize("kind", ["string", "list"])
async def test_junk_in_the_keys_of_a_gate_fails_nothing(
    redis, inspector, limited, park, batch, queue, of, kind
):
    await limited(3)
    await park(gate=Gate("f", most=1), n=2)
    space = KeySpace(queue)
    key = space.gates if of == "gates" else getattr(space, of)("f")
    await redis.delete(key)
    await (redis.set(key, b"\xff") if kind == "string" else redis.rpush(key, b"\xff"))
    gates = await inspector.gates()
    assert [gate.name for gate in gates] == ([] if of == "gates" else ["f"])
    assert (await inspector.explain(batch)).causes


async def test_numbers_of_a_gate_that_are_none(redis, inspector, limited, park, queue):
    await limited(1)
    await park(gate=Gate("f", most=1, interval=10))
    junk = {"most": b"\xff", "interval": "1e3", "turn": "nan"}
    await redis.hset(KeySpace(queue).gate("f"), mapping=junk)
    (gate,) = await inspector.gates()
    assert (gate.max_at_once, gate.max_per_second, gate.next_start) == (None, None, None)
    await redis.hset(KeySpace(queue).gate("f"), mapping={"interval": "10"})
    (gate,) = await inspector.gates()
    assert (gate.max_per_second, gate.next_start) == (100_000, None)


@pytest.mark.parametrize("score", ["-inf", "+inf", "-5", "1e300", "1e14", "95000000000000"])
async def test_a_job_of_any_score_can_be_looked_at(inspector, redis, submit, queue, batch, score):
    await submit(2)
    await redis.zadd(queue, {f"{batch}:0": score})
    (slot,) = [each async for each in inspector.slots(f"{batch}:0")]
    assert slot.status in ("queued", "waiting")
    assert (await inspector.queue_info()).claimable >= 1
    assert await inspector.explain(batch)
