"""Every step can be repeated after a lost reply, and changes nothing twice."""

import asyncio

import pytest

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Release
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.conclusion.recorder import Recorder
from gatherq_worker.engine.stray_claims import StrayClaims

from .steps import Asks, claim, contact, expired, record

keys = KeySpace()


def failed(attempt, worker="w1"):
    made = record(attempt, worker)
    return type(made)(attempt, "failed", made.payload.replace(b"succeeded", b"failed"), 60)


async def lengths(redis, batch):
    counts = await redis.hgetall(keys.batch(batch))
    return await redis.xlen(keys.done(batch)), {k: v for k, v in counts.items() if k != b"answered"}


async def test_a_charged_release_stands_once_in_the_history(redis, submit, store):
    await submit()
    (attempt,) = (await claim(store())).attempts
    given = Release(attempt, 30.0, charge=True, entry=b'{"attempt":1,"status":"failed"}')
    assert await store().release([given]) == 1
    assert await store().release([given]) == 0
    assert await redis.llen(keys.attempts(attempt.job_id)) == 1
    assert (await claim(store())).attempts == []


@pytest.mark.parametrize("delay", [600.0, 0.0])
async def test_what_was_given_back_is_neither_renewed_nor_given_back_sooner(
    redis, submit, store, queue, delay
):
    """A renewal, or a look for strays, that was under way on another connection."""
    await submit()
    worker = store()
    (attempt,) = (await claim(worker)).attempts
    assert await worker.release([Release(attempt, delay, charge=True)]) == 1
    score = await redis.zscore(queue, attempt.job_id)
    renewal = await worker.renew([attempt], *await contact(worker))
    assert renewal.lost == [attempt.job_id]
    assert await worker.release([Release(attempt)]) == 0
    assert await redis.zscore(queue, attempt.job_id) == score
    assert await redis.get(keys.retry(attempt.job_id)) == b"1"
    assert not await redis.exists(keys.in_progress(attempt.job_id))


async def test_another_outcome_of_the_same_attempt_is_not_taken(submit, store, asks, batch):
    """The watchdog has recorded it, while the loop was blocked."""
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert (await store().record([failed(attempt)])).replies == ["recorded"]
    assert (await store().record([record(attempt)])).replies == ["already"]
    assert await asks.results(batch, [0]) == [failed(attempt).payload]


async def test_an_outcome_that_stands_twice_in_one_call_counts_once(submit, store, asks, batch):
    await submit()
    (attempt,) = (await claim(store())).attempts
    reply = await store().record([record(attempt), record(attempt)])
    assert reply.replies == ["recorded", "already"]
    assert (await asks.counts(batch)).succeeded == 1


@pytest.mark.parametrize("what", ["nothing", "lost", "released", "retried"])
async def test_whatever_became_of_a_lapsed_job_its_outcome_leaves_none_running(
    redis, submit, store, batch, queue, what
):
    await submit(2)  # the end of the last would set right what is counted wrong
    if what == "retried":
        (first,) = (await claim(store(), 1)).attempts
        await store().release([Release(first, charge=True)])
        await redis.zadd(queue, {first.job_id: 1.5})
    (attempt,) = (await claim(store(), 1)).attempts
    await expired(redis, attempt)
    if what == "lost":
        await redis.delete(queue)
    elif what != "nothing":
        # Another worker took it over, and gave it back before it began: as if it had not been.
        score = 1.25 if what == "released" else 1.5
        await redis.zadd(queue, {attempt.job_id: score})
        if what == "released":
            await redis.hincrby(keys.batch(batch), "running", -1)
    assert (await store().record([record(attempt)])).replies == ["recorded"]
    found = await redis.hmget(keys.batch(batch), "running", "parked", "succeeded")
    assert found == [b"0", None, b"1"]


async def test_whoever_gives_nothing_back_wakes_nobody(redis, submit, store, queue):
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert await store().release([Release(attempt)]) == 1
    await redis.delete(KeySpace(queue).wake)
    assert await store().release([Release(attempt)]) == 0
    assert await store().release([]) == 0
    assert await redis.llen(KeySpace(queue).wake) == 0


async def test_an_uncharged_release_is_counted_once(redis, submit, store, batch):
    await submit()
    worker = store()
    (attempt,) = (await claim(worker)).attempts
    assert await worker.release([Release(attempt)]) == 1
    assert await worker.release([Release(attempt)]) == 0
    assert await redis.hget(keys.batch(batch), "running") == b"0"


async def test_a_cancel_gives_the_same_answer_again(redis, submit, asks, store, batch):
    await submit(4)
    await claim(store(), 1)
    first = await asks.cancel(batch, [0, 1, 2], "me", "request")
    before = await lengths(redis, batch)
    assert first == 3
    assert await asks.cancel(batch, [0, 1, 2], "me", "request") == 3
    assert await lengths(redis, batch) == before
    assert await asks.cancel(batch, [1, 2], "me", "another") == 0
    assert await asks.cancel(batch, [], "me", "whole") == 2
    await asks.sweep(batch, force=True)
    assert await asks.cancel(batch, [], "me", "whole") == 2


async def test_a_redrive_runs_nothing_twice_and_counts_the_same(redis, submit, asks, store, batch):
    await submit(3)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    known = await asks.ended_badly(batch, dict.fromkeys(range(3), "failed"))
    assert await asks.put_back(batch, True, known, "r") == 3
    # They run and fail again, before the request is repeated.
    await store().record([failed(a) for a in (await claim(store())).attempts])
    assert await asks.put_back(batch, True, known, "r") == 3
    assert (await claim(store())).attempts == []


@pytest.mark.parametrize("most", [None, 1])
async def test_what_a_worker_repeats_after_a_redrive_takes_nothing_back(
    redis, asks, store, batch, most
):
    """Redis recorded its outcome, and the reply was lost; meanwhile somebody had it run again."""
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(3)]
    await asks.submit(batch, 3, 3600, 0, jobs, options=BatchOptions(max_at_once=most))
    worker, held = store(), []
    while found := (await claim(worker)).attempts:
        assert (await worker.record([failed(a) for a in found])).replies == ["recorded"] * len(
            found
        )
        held += found
    assert await asks.run_again(batch) == 3
    before = await redis.hgetall(keys.batch(batch))
    assert (await worker.record([failed(a) for a in held])).replies == ["refused"] * 3
    assert set((await worker.renew(held)).lost) == {a.job_id for a in held}
    assert await worker.release([Release(a) for a in held]) == 0
    assert await redis.hgetall(keys.batch(batch)) == before
    other = store("w2")
    while again := (await claim(other)).attempts:
        assert {a.number for a in again} == {2}
        await other.release([Release(a) for a in again])  # uncharged: the first counts again
        assert (await worker.record([failed(held[0])])).replies == ["refused"]
        again = (await claim(other)).attempts
        await other.record([record(a, "w2") for a in again])
    assert (await asks.counts(batch)).succeeded == 3


async def test_a_later_chunk_of_a_redrive_lifts_no_cancellation_and_begins_no_generation(
    redis, submit, asks, store, batch
):
    await submit(2)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    first, second = await asks.ended_badly(batch, dict.fromkeys(range(2), "failed"))
    assert await asks.put_back(batch, True, [first], "r1") == 1
    await asks.cancel(batch, [], "me", "c")
    assert await asks.put_back(batch, False, [second], "r2") == 1
    found = await redis.hmget(keys.batch(batch), "cancelled_by", "generation")
    assert found == [b"me", b"1"]


@pytest.mark.parametrize("what", ["there is none", "it is being deleted", "it has another queue"])
async def test_there_is_nothing_to_redrive_of_a_batch_that_is_not_there(
    redis, submit, asks, store, batch, queue, what
):
    await submit(1)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    known = await asks.ended_badly(batch, {0: "failed"})
    if what == "there is none":
        await redis.delete(keys.batch(batch))
    elif what == "it is being deleted":
        await redis.hdel(keys.batch(batch), "size")
        await redis.hset(keys.batch(batch), "cancelled_by", "deletion")
    space = KeySpace(f"{queue}:other" if what == "it has another queue" else queue)
    assert await Asks(redis, space).put_back(batch, True, known, "r") is None
    assert await redis.exists(keys.result(f"{batch}:0"))


async def test_a_deletion_whose_reply_was_lost_is_done(redis, submit, asks, batch):
    await submit(3)
    assert await asks.size_of(batch) == 3
    assert await asks.delete(batch, 0) == 0
    assert await asks.delete(batch, 0) == 0
    assert await asks.size_of(batch) == 0
    assert not [key async for key in redis.scan_iter(f"*{batch}*", 10_000)]


async def test_a_run_of_a_submission_is_written_once(redis, asks, store, batch, queue):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    for _ in range(2):
        await asks.submit(batch, 4, 3600, 0, jobs[:2], life="a", patience=30)
    assert await redis.zcard(queue) == 2
    await store().record([record(a) for a in (await claim(store())).attempts])
    await asks.submit(batch, 4, 3600, 0, jobs[:2], life="a", patience=30)
    assert await redis.zcard(queue) == 0
    await asks.submit(batch, 4, 3600, 2, jobs[2:], life="a", patience=30)
    assert await redis.hget(keys.batch(batch), "writing") is None
    await asks.submit(batch, 4, 3600, 0, jobs[:2], life="a", patience=30)
    # What follows is still written.
    assert (await asks.mend(batch, range(4), -1))[:2] == ([0, 1], 4)


async def test_runs_that_redis_has_lost_are_asked_for_again(redis, asks, batch, queue):
    """A server that came back without its last writes."""
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(6)]
    for first in (0, 2):
        await asks.submit(batch, 6, 3600, first, jobs[first : first + 2], life="a")
    await redis.hset(keys.batch(batch), "written", 2)
    await redis.delete(keys.job(f"{batch}:2"), keys.job(f"{batch}:3"))
    await redis.zrem(queue, f"{batch}:2", f"{batch}:3")
    there = await asks.submit(batch, 6, 3600, 4, jobs[4:], life="a")
    assert there.behind == 2
    for first in (2, 4):
        there = await asks.submit(batch, 6, 3600, first, jobs[first : first + 2], life="a")
        assert there.behind is None
    assert await redis.zcard(queue) == 6


async def test_runs_of_which_redis_has_lost_the_note_alone_take_no_outcome_back(
    redis, asks, store, batch
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    for first in (0, 2, 2):
        chunk = jobs[first : first + 2]
        await asks.submit(batch, 4, 3600, first, chunk, digests=digests(chunk), life="a")
        if first == 0:
            await store().record([failed(a) for a in (await claim(store())).attempts])
        await redis.hset(keys.batch(batch), "written", 2)
    assert (await asks.counts(batch)).failed == 2
    _, words = await asks.completions.read(batch, b"0")
    assert words == [(0, "failed"), (1, "failed")]


async def test_a_claim_whose_reply_was_lost_is_given_back_uncharged(submit, store):
    await submit(3)
    worker, attempts = store(), Attempts()
    lost = (await claim(worker, 2)).attempts
    (mine,) = (await claim(worker, 1)).attempts
    attempts.claim(mine)
    recorder = Recorder(worker, attempts)
    strays = StrayClaims(worker, attempts, recorder, lease=0.3)
    await strays.release()  # nothing is suspected
    assert recorder.waiting() == ([], [])
    strays.suspect()
    await strays.release()
    _, given = recorder.waiting()
    assert {r.attempt.job_id for r in given} == {a.job_id for a in lost}
    await worker.release(given)
    again = (await claim(store("w2"))).attempts
    assert [(a.slot, a.number, a.history) for a in again] == [(0, 1, ()), (1, 1, ())]


async def test_a_claim_that_comes_through_late_is_found_too(submit, store):
    """The server was paused: it takes up the old connection's claim after the new one's look."""
    await submit(1)
    worker, attempts = store(), Attempts()
    recorder = Recorder(worker, attempts)
    strays = StrayClaims(worker, attempts, recorder, lease=0.2)
    strays.suspect()
    await strays.release()
    assert recorder.waiting() == ([], [])
    await claim(worker)
    async with asyncio.timeout(10):
        while not recorder.waiting()[1]:
            await strays.release()
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("life", [0.5, 600])
async def test_a_producers_lease_is_judged_after_its_own_time_of_contact(
    asks, store, batch, pass_time, life
):
    job = records.encode_job(call("f"), batch, 0, None)
    await asks.submit(batch, 1, 3600, 0, [job], options=BatchOptions(lease=life), life="a")
    await pass_time(0.6)
    since, last = await contact(store())
    swept = await asks.sweep(batch, force=True, contact=(last - 40, last))
    assert swept.ended == 0  # in contact for less than the lease
    swept = await asks.sweep(batch, force=True, contact=(since, last))
    assert swept.ended == (1 if life < 1 else 0)


async def test_a_deadline_that_passed_in_an_outage_waits_for_the_owner_of_what_was_begun(
    redis, asks, store, batch, pass_time
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(2)]
    await asks.submit(batch, 2, 3600, 0, jobs, options=BatchOptions(deadline=0.2), life="a")
    (attempt,) = (await claim(store(), 1)).attempts
    await pass_time(0.4)  # its lease has run out, and the deadline passed
    assert (await claim(store("w2"), contact=False)).attempts == []
    assert (await asks.sweep(batch, force=True)).ended == 0
    assert await redis.xlen(keys.done(batch)) == 1  # what was never begun
    assert (await store().record([record(attempt)])).replies == ["recorded"]
    found = records.codec.from_json(await redis.get(keys.result(attempt.job_id)))
    assert found["status"] == "succeeded"


async def test_what_a_dead_worker_had_begun_ends_by_who_was_in_contact_since(
    asks, store, batch, pass_time
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(300)]
    await asks.submit(batch, 300, 3600, 0, jobs, options=BatchOptions(deadline=0.2), life="a")
    await claim(store(), 1)
    await pass_time(0.4)
    swept = await asks.sweep(batch, force=True)
    assert (swept.ended, swept.running, swept.again) == (299, 1, 1.0)  # it looks again soon
    swept = await asks.sweep(batch, force=True, contact=await contact(store()))
    assert (swept.ended, swept.running) == (1, 0)
