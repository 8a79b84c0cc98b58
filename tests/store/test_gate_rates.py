"""Gates with a rate: one after the other starts, each at its turn."""

import asyncio

import pytest

from gatherq import call
from gatherq.contract.keys import KeySpace
from gatherq.contract.records import encode_job
from gatherq.store.parking import Gate

from .admissions import finish, slots
from .steps import LEASE, expired

keys = KeySpace()


#: One start a minute.
SELDOM = Gate("f", interval=60_000_000)


@pytest.fixture
def pass_turn(redis, queue):
    """Let the turn of the gate pass."""

    async def pass_turn():
        await redis.hset(KeySpace(queue).gate("f"), "turn", "1.5")

    return pass_turn


async def test_a_gate_with_a_rate_lets_one_after_the_other_start(submit, enter, store):
    await submit(4)
    gate = Gate("f", interval=50_000)
    starts, seen = [], []
    while len(seen) < 4:
        begun = await enter(gate)
        assert len(begun) <= 1
        now = (await store().claim(0, 0, 0)).now
        starts += [now] * len(begun)
        seen += slots(begun)
        await finish(store(), begun)
    assert seen == [0, 1, 2, 3]
    assert starts[-1] - starts[0] >= 2 * 50


async def test_a_holder_that_died_waits_in_the_queue_for_its_next_turn(
    redis, submit, enter, queue, batch
):
    await submit()
    gate = Gate("f", interval=100_000_000)
    (first,) = await enter(gate)
    await expired(redis, first)
    assert await enter(gate, worker="w2") == []
    now, _ = await redis.time()
    assert 90 < await redis.zscore(queue, f"{batch}:0") / 1000 - now < 101


async def test_a_gate_with_a_rate_calls_one_for_its_turn(submit, enter, store, waits):
    await submit(4)
    (first,) = await enter(SELDOM)
    while_it_runs = await waits()
    await finish(store(), [first])
    once_it_has_ended = await waits()
    for found in (while_it_runs, once_it_has_ended):
        assert 55_000 < found[1] < 60_010
        assert (found[2], found[3]) == (None, None)


async def test_whoever_was_called_and_is_cancelled_lets_the_next_be_called(
    redis, submit, asks, enter, batch, waits, pass_turn
):
    await submit(4)
    await enter(SELDOM)
    await asks.cancel(batch, [1], "me")
    found = await waits()
    assert (55_000 < found[2] < 60_010, found[3]) == (True, None)
    await pass_turn()
    await asks.cancel(batch, [2], "me")
    assert (await waits())[3] < 0
    assert await redis.hget(keys.batch(batch), "parked") == b"0"


async def test_whoever_is_called_when_the_turn_has_passed_has_the_place_of_before_it_was_parked(
    redis, submit, alone, asks, enter, batch, queue, pass_turn
):
    await submit(2)
    await enter(SELDOM)
    (id_,) = await alone(1)
    await redis.zadd(queue, {id_: 1000.25})
    await enter(SELDOM)
    await pass_turn()
    await asks.cancel(batch, [1], "me")
    assert await redis.zscore(queue, id_) == 1000.25


async def test_a_rate_alone_limits_how_many_start_and_not_how_many_run(submit, enter):
    await submit(4)
    begun = []
    async with asyncio.timeout(5):
        while len(begun) < 4:
            begun += await enter(Gate("f", interval=1000))
    assert slots(begun) == [0, 1, 2, 3]


async def test_whoever_comes_when_the_turn_has_passed_does_not_overtake_those_that_wait(
    submit, asks, enter, store, batch, waits, pass_turn
):
    await submit(3)
    await enter(SELDOM)
    await pass_turn()
    other = f"{batch}-2"
    await asks.submit(other, 1, 3600, 0, [encode_job(call("f"), other, 0, None)], life="2")
    assert await enter(SELDOM) == []
    assert (await waits())[2] is None


async def test_a_job_whose_lease_ran_out_inside_starts_again_at_a_turn(
    redis, submit, enter, queue, waits, pass_turn
):
    """It keeps its place inside, is charged for nothing, and takes nobody's turn."""
    await submit(3)
    (first,) = await enter(SELDOM, lease=LEASE)
    await expired(redis, first)
    assert await enter(SELDOM, worker="w2") == []
    found = await waits()
    assert (55_000 < found[0] < 60_010, found[2]) == (True, None)
    assert await redis.zcard(KeySpace(queue).waiting("f")) == 1
    await pass_turn()
    await redis.zincrby(queue, -60_000, first.job_id)
    (again,) = await enter(SELDOM, n=1, worker="w2")
    assert (again.slot, again.number) == (0, 2)
    assert (await waits())[2] is None  # slot 1 is to start next


async def test_what_a_rate_has_left_at_a_gate_without_one_keeps_nobody_out(
    redis, submit, enter, store, queue
):
    await submit(3)
    gate = Gate("f", most=1)
    (first,) = await enter(gate)
    left = {"called": "nobody", "turn": (await store().claim(0, 0, 0)).now + 60_000}
    await redis.hset(KeySpace(queue).gate("f"), mapping=left)
    await finish(store(), [first])
    (second,) = await enter(gate)
    assert second.slot == 1
    assert await redis.hget(KeySpace(queue).gate("f"), "called") == b"nobody"


@pytest.mark.parametrize("how", ["claimed", "mended"])
async def test_whoever_was_called_and_is_no_holder_any_more_keeps_nobody_waiting(
    redis, submit, asks, enter, store, batch, queue, waits, pass_turn, how
):
    """Its claim may come when others wait: it waits behind them then, and one of them is called."""
    await submit(4)
    (first,) = await enter(SELDOM)
    await finish(store(), [first])  # the next is called
    await redis.delete(KeySpace(queue).holders("f"))
    await pass_turn()
    if how == "claimed":
        await redis.zincrby(queue, -60_000, f"{batch}:1")
        assert await enter(SELDOM) == []
    else:
        await asks.mend(batch, range(4), -1)
        await redis.zincrby(queue, -60_000, f"{batch}:2")
    (second,) = await enter(SELDOM)
    assert second.slot == 2


@pytest.mark.parametrize("turn", ["x", "nan", "9" * 30 + "x", b"\xff"])
async def test_a_turn_that_is_no_number_has_passed(redis, submit, enter, queue, turn):
    await submit(1)
    await redis.hset(KeySpace(queue).gate("f"), "turn", turn)
    assert slots(await enter(SELDOM)) == [0]
