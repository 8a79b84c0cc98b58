"""Redrive, extension and deletion of a batch: what the Lua steps leave, on a real server."""

import json

import pytest

from gatherq.contract import records
from gatherq.contract.keys import KeySpace, job_id
from gatherq.store.jobs import Record, Release
from gatherq.store.script import script
from gatherq.store.slot_states import SlotState

from .steps import claim, claim_all, contact, expired, is_old, record

keys = KeySpace()


def failed(attempt, worker="w1", **fields):
    job = attempt.job
    payload = records.encode_result(
        records.Verdict(
            "failed", "ValueError: no", {"error": {"type": "ValueError", "message": "no"}}
        ),
        job_id=attempt.job_id,
        attempt=attempt.number,
        worker=worker,
        job=job,
        times=records.Times(1_700_000_000_000, 1_700_000_000_005),
        queue="q",
        call=attempt.call,
        history=attempt.history,
    )
    return Record(attempt, "failed", payload, 60)


async def test_what_did_not_succeed_is_claimed_again_in_slot_order(
    redis, submit, asks, store, batch, queue
):
    await submit(6)
    attempts = (await claim(store(), 4)).attempts
    good, bad = attempts[1], [attempts[n] for n in (0, 2, 3)]
    await store().record([record(good), *map(failed, reversed(bad))])
    await asks.cancel(batch, [4], "me")
    kept = await redis.get(keys.result(good.job_id))
    assert await asks.run_again(batch) == 4
    assert await asks.run_again(batch) == 0
    again = (await claim(store("w2"))).attempts
    assert [(a.slot, a.number, a.job.base) for a in again] == [
        (5, 1, 0),  # it was never away
        (0, 2, 1),
        (2, 2, 1),
        (3, 2, 1),
        (4, 1, 0),
    ]
    assert all(a.job.args == [a.slot] for a in again)
    assert await redis.get(keys.result(good.job_id)) == kept
    counts = await asks.counts(batch)
    assert (counts.succeeded, counts.failed, counts.cancelled, counts.running) == (1, 0, 0, 5)
    done = await store("w2").record([record(a, "w2") for a in again])
    assert done.replies == ["recorded"] * 5
    counts = await asks.counts(batch)
    assert (counts.succeeded, counts.running, counts.finished) == (6, 0, 6)
    assert dict((await asks.completions.read(batch, b"0", 0.001))[1]) == dict.fromkeys(
        range(6), "succeeded"
    )


async def test_the_attempts_before_a_redrive_are_kept(redis, submit, asks, store, batch):
    await submit()
    for number in (1, 2, 3):
        (attempt,) = (await claim(store())).attempts
        assert attempt.number == number
        await store().record([failed(attempt)])
        assert await asks.run_again(batch) == 1
        assert 0 < await redis.ttl(keys.attempts(attempt.job_id)) <= 4_050
    listed = await redis.lrange(keys.attempts(attempt.job_id), 0, -1)
    assert [json.loads(entry) for entry in listed] == [
        {
            "attempt": number,
            "worker": "w1",
            "status": "failed",
            "error": {"type": "ValueError", "message": "no"},
            "st": 1_700_000_000_000,
            "ft": 1_700_000_000_005,
        }
        for number in (1, 2, 3)
    ]
    (last,) = (await claim(store())).attempts
    assert (last.number, last.job.base) == (4, 3)


async def test_a_slot_without_a_result_is_queued_or_lost(redis, submit, asks, store, batch):
    await submit(2)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    await asks.run_again(batch)
    queued = SlotState(None, False, True)
    assert await asks.standings(batch, [0, 1]) == [queued, queued]
    first, second = (await claim(store())).attempts
    assert await asks.standings(batch, [0, 1]) == [queued, queued]  # it runs
    await store().record([record(first), record(second)])
    await redis.delete(keys.result(second.job_id))
    ended, lost = await asks.standings(batch, [0, 1])
    assert ended.result is not None
    assert lost == SlotState(None, False, False)
    assert await asks.recorded(batch, [0, 1]) == [0]


async def test_whatever_stands_where_a_result_should_is_told(redis, submit, asks, batch, queue):
    await submit(3)
    await redis.delete(queue)
    await redis.rpush(keys.result(f"{batch}:1"), "x")
    standings = await asks.standings(batch, [0, 1])
    assert standings == [SlotState(None, False, False), SlotState(None, True, False)]
    await redis.set(queue, "not a queue")
    # What has no result, or is held by a worker, may be there.
    assert [each.queued for each in await asks.standings(batch, [0, 1])] == [True, False]
    await redis.set(keys.in_progress(f"{batch}:1"), "w1:1:1")
    assert [each.queued for each in await asks.standings(batch, [0, 1])] == [True, True]
    await redis.delete(queue, keys.in_progress(f"{batch}:1"))
    await redis.zadd(queue, {f"{batch}:1": 1})  # it is known to be there
    assert [each.queued for each in await asks.standings(batch, [0, 1])] == [False, True]
    await redis.hdel(keys.batch(batch), "size")  # as the first step of a deletion does
    assert await asks.standings(batch, [0, 1]) is None


@pytest.mark.parametrize("damage", ["admitted", "again"])
async def test_a_result_that_is_none_is_an_end_where_it_may_be_outside(
    redis, submit, asks, store, batch, damage
):
    await submit(300)
    await store().record([record(a) for a in (await claim(store(), 2)).attempts])
    for slot in (0, 1):
        await redis.delete(keys.result(f"{batch}:{slot}"))
    await redis.rpush(keys.result(f"{batch}:1"), "x")
    if damage == "admitted":
        await redis.hset(keys.batch(batch), "admitted", 0)
    else:
        await redis.hset(keys.batch(batch), "again", 1)
        await redis.set(keys.again(batch), "x")
    assert [each.queued for each in await asks.standings(batch, [0, 1])] == [True, False]


async def test_another_result_than_the_one_read_is_left_alone(redis, submit, asks, store, batch):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await store().record([failed(attempt)])
    stored = await redis.get(keys.result(attempt.job_id))
    for head, count in [(records.result_head("w1", 2), 0), (records.result_head("w1", 1), 1)]:
        assert await redis.get(keys.result(attempt.job_id)) == stored
        described = [[0, 1, "failed", head, "", 0]]
        assert await asks.put_back(batch, False, described, head) == count
        assert await asks.put_back(batch, False, described, head) == count  # its reply was lost
    assert len((await claim(store())).attempts) == 1


async def test_a_zombie_from_before_a_redrive_is_refused(redis, submit, asks, store, batch):
    await submit()
    (zombie,) = (await claim(store())).attempts
    await expired(redis, zombie)
    (second,) = (await claim(store("w2"))).attempts
    await store("w2").record([failed(second, "w2")])
    await asks.run_again(batch)
    assert (await store().record([record(zombie)])).replies == ["refused"]
    (third,) = (await claim(store("w2"))).attempts
    assert third.number == 3
    await expired(redis, third)
    assert (await store().record([record(zombie)])).replies == ["refused"]


async def test_a_redrive_lifts_cancellation_and_lease_and_restarts_the_deadline(
    redis, submit, asks, store, batch
):
    await submit(2)
    key = keys.batch(batch)
    await redis.hset(key, mapping={"limit": 60_000, "deadline": 1, "lease": 1, "leased": 1})
    await asks.sweep(batch, contact=await contact(store()))
    counts = await asks.counts(batch)
    assert (counts.cancelled, counts.finished) == (2, 2)  # the lease comes first
    assert await asks.run_again(batch) == 2
    found = (await claim(store())).attempts
    assert len(found) == 2
    assert found[0].batch_deadline.at > 1_700_000_000_000
    assert await redis.hmget(key, "cancelled_by", "lease", "leased") == [None] * 3


async def test_an_uncharged_release_after_a_redrive_keeps_the_count_of_running(
    submit, asks, store, batch
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await store().record([failed(attempt)])
    await asks.run_again(batch)
    (attempt,) = (await claim(store())).attempts
    await store().release([Release(attempt)])
    (attempt,) = (await claim(store())).attempts
    assert attempt.number == 2
    await store().record([record(attempt)])
    assert (await asks.counts(batch)).running == 0


async def test_nothing_to_redrive(redis, submit, asks, store, batch):
    assert await asks.run_again(batch) is None
    await submit(2)
    assert await asks.run_again(batch) == 0
    await store().record([failed(a) for a in (await claim(store())).attempts])
    await redis.delete(keys.job(job_id(batch, 0)))  # without its data it stays as it is
    assert await asks.run_again(batch) == 1
    assert await redis.exists(keys.result(job_id(batch, 0)))


async def test_a_failed_jobs_data_stays_and_a_good_ones_goes(redis, submit, store):
    await submit(2)
    good, bad = (await claim(store())).attempts
    await store().record([record(good), failed(bad)])
    assert not await redis.exists(keys.job(good.job_id))
    assert 0 < await redis.ttl(keys.job(bad.job_id)) <= 4_050


async def test_a_batch_that_ends_late_stays_for_as_long_as_was_asked(
    redis, submit, asks, store, batch
):
    await submit(600)
    attempts = await claim_all(store(), 600)
    done = await store().record([record(a) for a in attempts[:-2]])
    assert done.to_extend == []
    # Most of its time has passed.
    soon = (await store().claim(0, 0, 0)).now + 1_000_000
    names = [keys.batch(batch), keys.done(batch)]
    names += [keys.result(a.job_id) for a in attempts[:-2]]
    for name in names:
        await redis.pexpireat(name, soon)
    await redis.hset(keys.batch(batch), "expires", soon)
    done = await store().record([failed(attempts[-1])])
    assert done.to_extend == []
    done = await store().record([record(attempts[-2])])
    assert (done.replies, done.to_extend) == (["recorded"], [batch])
    await store().extend(batch)
    names += [keys.result(a.job_id) for a in attempts] + [keys.job(attempts[-1].job_id)]
    if await is_old(redis):
        pytest.skip("PEXPIRETIME, to the millisecond, is of Redis 7")
    left = {await redis.pexpiretime(name) for name in names}
    assert len(left) == 1
    assert left == {int(await redis.hget(keys.batch(batch), "expires"))}
    assert left.pop() - soon > 40_000
    assert (await store().record([record(attempts[-2])])).to_extend == []


async def test_a_batch_is_extended_for_who_holds_a_job_of_it_when_it_would_go_soon(
    redis, submit, store, batch
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert (await store().renew([attempt])).to_extend == set()
    far = (await store().claim(0, 0, 0)).now + 5_000_000  # longer than it stays once it has ended
    await redis.hset(keys.batch(batch), "expires", far)
    assert (await store().renew([attempt])).to_extend == set()
    soon = (await store().claim(0, 0, 0)).now + 100_000
    await redis.hset(keys.batch(batch), "expires", soon)
    assert (await store().renew([attempt])).to_extend == {batch}


@pytest.mark.parametrize("ender", ["cancel", "sweep", "claim"])
async def test_a_batch_whose_last_slot_is_ended_late_stays_too(
    redis, submit, asks, store, batch, ender
):
    await submit(2)
    soon = (await store().claim(0, 0, 0)).now + 1_000_000
    await redis.pexpireat(keys.batch(batch), soon)
    await redis.hset(keys.batch(batch), "expires", soon)
    await store().record([record(a) for a in (await claim(store(), 1)).attempts])
    if ender == "cancel":
        await asks.cancel(batch, [1], "me")
    else:
        await redis.hset(keys.batch(batch), "cancelled_by", "me")
        if ender == "sweep":
            await asks.sweep(batch)
        else:
            to_extend = (await claim(store())).to_extend
            assert to_extend == [batch]
            await store().extend(batch)
    for name in (keys.batch(batch), keys.done(batch), keys.result(job_id(batch, 0))):
        now = (await store().claim(0, 0, 0)).now
        assert now + await redis.pttl(name) > soon + 40_000


async def test_extending_what_is_not_there_makes_nothing(redis, store, batch):
    await store().extend(batch)
    assert not await redis.exists(keys.batch(batch))


@pytest.mark.parametrize("expires", [None, "x", "1"])
@pytest.mark.parametrize("eternal", [False, True])
async def test_a_result_stays_though_the_lifetime_of_its_batch_is_damaged(
    redis, submit, store, batch, expires, eternal
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    if expires is None:
        await redis.hdel(keys.batch(batch), "expires")
    else:
        await redis.hset(keys.batch(batch), "expires", expires)
    if eternal:
        await redis.persist(keys.batch(batch))
    assert (await store().record([record(attempt)])).replies == ["recorded"]
    assert 3_500 < await redis.ttl(keys.result(attempt.job_id)) <= 4_050


async def test_a_deleted_batch_leaves_nothing_and_takes_no_late_result(
    redis, submit, asks, store, batch, queue
):
    await submit(600)
    first, second, third = (await claim(store(), 3)).attempts
    await store().record([failed(first)])
    await asks.run_again(batch)
    await store().record([failed(second)])
    await asks.cancel(batch, [2, 599], "me")
    assert await asks.remove(batch)
    assert not await asks.remove(batch)
    assert (await store().record([record(third)])).replies == ["refused"]
    assert (await store().renew([third])).lost == [third.job_id]
    assert await asks.counts(batch) is None
    assert [key async for key in redis.scan_iter(f"*{batch}*", count=1000)] == []
    assert await redis.zcard(queue) == 0
    assert not await redis.exists(KeySpace(queue).cancel_marks)


@pytest.fixture
async def half_deleted(redis, submit, asks, store, batch):
    """A batch whose deleter died after its first step."""
    await submit(600)
    await redis.hset(keys.batch(batch), "kind", "submit")  # as of one that events tell of
    attempts = await claim_all(store(), 301)
    assert 0 < await asks.delete(batch, 0) < 300
    return attempts


async def test_a_batch_being_deleted_is_gone_for_everybody(
    redis, half_deleted, submit, asks, store, batch
):
    running = half_deleted[-1]
    assert await asks.counts(batch) is None
    assert await asks.sweep(batch) is None
    assert await asks.run_again(batch) is None
    assert await asks.cancel(batch, None, "me") is None
    assert (await submit(600)).size == -1
    assert (await claim(store())).attempts == []
    assert (await store().renew([running])).cancelled == {running.job_id: "deletion"}
    assert (await store().record([record(running)])).replies == ["gone"]
    assert not await redis.exists(keys.result(running.job_id))


async def test_a_deletion_that_was_begun_is_finished_by_another(
    redis, half_deleted, asks, batch, queue
):
    assert await asks.remove(batch)
    assert [key async for key in redis.scan_iter(f"*{batch}*", count=1000)] == []
    assert await redis.zcard(queue) == 0


async def test_a_batch_stays_no_longer_than_slots_that_are_not_extended_yet(
    redis, submit, batch, queue
):
    await submit(501)
    before = await redis.pttl(keys.batch(batch))
    extend = script("batch/extend").bind(redis, KeySpace(queue), n=500)
    given = {"batch_key": keys.batch(batch), "batch_id": batch, "stay": 864_000_000, "by": "me"}
    _, expires = await extend(first=0, expires="", **given)
    await submit(501)  # its producer repeats it meanwhile
    assert await redis.pttl(keys.batch(batch)) <= before
    await extend(first=500, expires=expires, **given)
    assert await redis.pttl(keys.batch(batch)) > 864_000_000


async def test_an_attempt_after_a_redrive_outlives_its_lease_like_any(
    redis, submit, asks, store, batch
):
    await submit()
    (first,) = (await claim(store())).attempts
    await store().record([failed(first)])
    assert await asks.run_again(batch) == 1
    (again,) = (await claim(store())).attempts
    await expired(redis, again)
    assert (await store().renew([again])).lost == []
    await redis.delete(keys.in_progress(again.job_id))
    assert (await store().record([record(again)])).replies == ["recorded"]
