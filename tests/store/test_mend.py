"""What Redis has lost of a batch is put back, or ends as the outcome that says so."""

import pytest

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Release

from .steps import claim, expired, record

keys = KeySpace()


async def types(asks, batch, slots):
    raws = await asks.results(batch, slots)
    found = [records.decode_result(raw) for raw in raws if raw]
    return {f.slot: f.error.type if f.status == "failed" else f.status for f in found}


async def test_what_is_queued_running_or_ended_is_left_alone(
    redis, submit, asks, store, batch, queue
):
    await submit(5)
    ended, running, waiting = (await claim(store(), 3)).attempts
    await store().record([record(ended)])
    await store().release([Release(waiting, 30.0, charge=True, entry=b"{}")])
    before = await redis.zrange(queue, 0, -1, withscores=True)
    assert (await asks.mend(batch, range(5), -1))[:2] == ([0], 5)
    assert (await asks.mend(batch, range(5), 5))[:2] == ([0], 5)
    assert (await asks.mend(batch, [], 5))[:2] == ([], 5)
    assert await redis.zrange(queue, 0, -1, withscores=True) == before
    await redis.zrem(queue, running.job_id)  # its next renewal puts it back
    assert (await asks.mend(batch, [running.slot], 5)).ended == []
    assert await redis.zscore(queue, running.job_id) is None
    assert (await store().record([record(running)])).replies == ["recorded"]


async def test_a_lost_queue_is_put_back(redis, submit, asks, store, batch, queue):
    await submit(5)
    (running,) = (await claim(store(), 1)).attempts
    await redis.delete(queue, KeySpace(queue).wake)
    assert (await asks.mend(batch, range(5), -1)).ended == []
    assert await redis.llen(KeySpace(queue).wake) == 1
    found = (await claim(store("w2"), contact=False)).attempts
    assert [(a.slot, a.number) for a in found] == [(n, 1) for n in range(1, 5)]
    await store("w2").record([record(a, "w2") for a in found])
    await expired(redis, running)  # its worker has died, and the queue knows nothing of it
    assert (await asks.mend(batch, [0], 5)).ended == []
    (again,) = (await claim(store("w2"))).attempts
    assert (again.slot, again.number) == (0, 2)


async def test_what_is_put_back_is_claimed_in_slot_order(redis, submit, asks, store, batch, queue):
    await submit(12)
    await redis.delete(queue)
    await asks.mend(batch, range(12), -1)
    assert [a.slot for a in (await claim(store(), 12)).attempts] == list(range(12))


async def test_a_slot_that_a_batch_does_not_have_does_not_end(submit, asks, batch):
    await submit(2)
    await asks.cancel(batch, None, "me")
    assert (await asks.mend(batch, range(4), -1))[:2] == ([0, 1], 2)
    assert (await asks.counts(batch)).finished == 2


async def test_a_lost_job_ends_as_such_and_its_batch_completes(
    redis, submit, asks, store, batch, queue
):
    await submit(3)
    (first,) = (await claim(store(), 1)).attempts
    await store().release([Release(first, 30.0, charge=True, entry=b"{}")])
    for slot in (0, 2):
        await redis.zrem(queue, f"{batch}:{slot}")
        await redis.delete(keys.job(f"{batch}:{slot}"))
    assert (await asks.mend(batch, range(3), -1)).ended == [0, 2]
    assert await types(asks, batch, range(3)) == {0: "LostJob", 2: "LostJob"}
    counts = await asks.counts(batch)
    assert (counts.failed, counts.running) == (2, 0)
    await store().record([record(a) for a in (await claim(store())).attempts])
    assert (await asks.counts(batch)).finished == 3
    assert (await store().record([record(first)])).replies == ["refused"]


async def test_a_lost_job_that_nobody_had_claimed_was_not_running(
    redis, submit, asks, store, batch, queue
):
    await submit(2)
    await claim(store(), 1)
    await redis.zrem(queue, f"{batch}:1")
    await redis.delete(keys.job(f"{batch}:1"))
    assert (await asks.mend(batch, range(2), -1)).ended == [1]
    assert (await asks.counts(batch)).running == 1


@pytest.mark.parametrize("why", ["deadline", "cancelled", "nothing"])
async def test_what_a_producer_never_wrote_ends_with_its_batch_or_when_it_is_given_up(
    redis, asks, store, batch, why
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(10)]
    terms = BatchOptions(deadline=60)
    await asks.submit(batch, 10, 3600, 0, jobs[:5], options=terms, digests=digests(jobs[:5]))
    if why == "nothing":
        first = await asks.mend(batch, range(10), -1)
        assert first[:2] == ([], 5)  # its producer may be writing just now
        assert (await asks.mend(batch, range(10), 4)).ended == []
        assert (await asks.mend(batch, range(10), 5)).ended == [5, 6, 7, 8, 9]
        assert set((await types(asks, batch, range(10))).values()) == {"NeverSubmitted"}
    else:
        if why == "cancelled":
            await asks.cancel(batch, None, "me")
        else:
            await redis.hset(keys.batch(batch), "deadline", 1)  # it has passed
        await asks.sweep(batch, force=True)
        expected = "timed_out" if why == "deadline" else "cancelled"
        assert await types(asks, batch, range(10)) == dict.fromkeys(range(10), expected)
    # Its producer comes back.
    await asks.submit(batch, 10, 3600, 5, jobs[5:], digests=digests(jobs[5:]))
    if why == "nothing":
        assert len((await claim(store())).attempts) == 10
        assert (await asks.counts(batch)).failed == 0
        _, words = await asks.completions.read(batch, b"0")
        assert {status for _, status in words} == {"redriven"}
    else:
        assert (await asks.counts(batch)).finished == 10
        assert (await claim(store())).attempts == []


@pytest.mark.parametrize("why", ["cancelled_by", "deadline"])
async def test_what_was_cancelled_unwritten_is_counted_once_when_its_producer_comes_back(
    redis, asks, store, batch, why
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    terms = BatchOptions(deadline=60)
    await asks.submit(batch, 4, 3600, 0, jobs[:2], options=terms, digests=digests(jobs[:2]))
    await redis.hset(keys.batch(batch), why, 1)
    await asks.sweep(batch, force=True)
    assert await asks.run_again(batch) == 2
    await asks.submit(batch, 4, 3600, 2, jobs[2:], digests=digests(jobs[2:]))
    assert (await asks.counts(batch)).finished == 0
    assert not await redis.exists(keys.again(batch))  # it is small: nothing waits outside
    await store().record([record(a) for a in (await claim(store())).attempts])
    assert (await asks.counts(batch)).succeeded == (await asks.counts(batch)).finished == 4


async def test_what_ended_unwritten_of_an_unnamed_batch_is_counted_once_too(asks, store, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    await asks.submit(batch, 4, 3600, 0, jobs[:2], life="a", patience=60.0)
    await asks.cancel(batch, None, "me")
    await asks.sweep(batch, force=True)
    assert await asks.run_again(batch) == 2
    await asks.submit(batch, 4, 3600, 2, jobs[2:], life="a", patience=60.0)
    await store().record([record(a) for a in (await claim(store())).attempts])
    assert (await asks.counts(batch)).succeeded == (await asks.counts(batch)).finished == 4


async def test_an_unnamed_batch_whose_producer_gave_up_is_cancelled(redis, asks, store, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(10)]
    await asks.submit(batch, 10, 3600, 0, jobs[:5], life="a", patience=-1.0)
    assert (await claim(store())).attempts == []
    found = [records.decode_result(raw) for raw in await asks.results(batch, range(5))]
    assert {(f.status, f.by) for f in found} == {("cancelled", "producer lost")}


async def test_of_an_unnamed_batch_nothing_is_given_up_while_its_producer_may_go_on(
    redis, asks, store, batch
):
    """What it writes then runs once: no slot of it has ended before."""
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    await asks.submit(batch, 4, 3600, 0, jobs[:2], life="a", patience=60.0)
    assert (await asks.mend(batch, range(4), -1))[:2] == ([], 2)
    assert (await asks.mend(batch, range(4), 2))[:2] == ([], 2)
    await asks.submit(batch, 4, 3600, 2, jobs[2:], life="a", patience=60.0)
    await store().record([record(a) for a in (await claim(store())).attempts])
    counts = await asks.counts(batch)
    assert counts.succeeded == counts.finished == 4


async def test_an_unnamed_batch_whose_producer_gave_up_is_cancelled_by_who_waits_for_it(
    asks, store, batch
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    await asks.submit(batch, 4, 3600, 0, jobs[:2], life="a", patience=-1.0)
    assert (await asks.mend(batch, range(4), -1))[:2] == ([2, 3], 2)
    assert await types(asks, batch, range(4)) == {2: "cancelled", 3: "cancelled"}
    assert (await asks.submit(batch, 4, 3600, 2, jobs[2:], life="a", patience=60.0)).stopped
    assert (await claim(store())).attempts == []
    assert (await asks.counts(batch)).cancelled == 4


async def test_there_is_nothing_to_mend_of_a_batch_that_has_gone(redis, submit, asks, batch):
    assert await asks.mend(batch, [0], -1) is None
    await submit(1)
    await redis.delete(keys.batch(batch))
    assert await asks.mend(batch, [0], -1) is None
    await redis.set(keys.batch(batch), "x")
    assert await asks.mend(batch, [0], -1) is None
