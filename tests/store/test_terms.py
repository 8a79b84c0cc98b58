"""What a batch agreed to at its submission, kept by the Lua steps on a real server."""

import pytest

from gatherq import TimedOut, call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.batches import SubmitReply
from gatherq.store.jobs import Record, Release

from .steps import claim, contact, record

keys = KeySpace()


@pytest.fixture
def agree(asks, batch):
    """Submit jobs with options of their batch."""

    async def agree(size, *, name="f", first=0, digest=False, **options):
        wait = options.get("queue_timeout")
        jobs = [records.encode_job(call(name, n), batch, n, None, wait) for n in range(first, size)]
        given = {"options": BatchOptions(**options), "digests": digests(jobs) if digest else b""}
        return await asks.submit(batch, size, 3600, first, jobs, **given)

    return agree


def ended(attempt, status, worker="w1"):
    head = records.result_head(worker, attempt.number).encode()
    return Record(attempt, status, head + b'"status":"%s"}' % status.encode(), 60)


async def statuses(asks, batch, size):
    found = [records.codec.from_json(raw) for raw in await asks.results(batch, range(size)) if raw]
    return [(outcome["slot"], outcome["status"], outcome.get("by")) for outcome in found]


@pytest.mark.parametrize("status", ["failed", "timed_out", "lost"])
async def test_one_failure_too_many_cancels_the_batch_in_the_same_step(
    redis, agree, asks, store, batch, queue, status
):
    await agree(10, tolerate=1)
    attempts = (await claim(store(), 4)).attempts
    async with redis.pubsub() as heard:
        await heard.subscribe(KeySpace(queue).channel)
        assert (await heard.get_message(timeout=5))["type"] == "subscribe"
        first = await store().record([ended(attempts[0], status)])
        assert (first.replies, first.to_sweep) == (["recorded"], [])
        second = await store().record([ended(attempts[1], status), record(attempts[2])])
        assert (second.replies, second.to_sweep) == (["recorded", "recorded"], [batch])
        message = await heard.get_message(timeout=5)
        assert records.codec.from_json(message["data"]) == {"batch": batch, "by": "policy"}
    assert (await store().renew([attempts[3]])).cancelled == {attempts[3].job_id: "policy"}
    third = await store().record([ended(attempts[3], status)])
    assert (third.replies, third.to_sweep) == (["recorded"], [])
    # The worker that was to sweep has died: claims end what they meet.
    assert (await claim(store("w2"))).attempts == []
    counts = await asks.counts(batch)
    assert (counts.cancelled, counts.finished) == (6, 10)


async def test_what_is_redriven_may_begin_whatever_has_failed_before(agree, asks, store, batch):
    await agree(120, tolerate=1)
    await store().record([ended(a, "failed") for a in (await claim(store(), 120)).attempts])
    assert await asks.run_again(batch) == 120
    assert len((await claim(store(), 120)).attempts) == 120


@pytest.mark.parametrize("status", ["succeeded", "cancelled"])
async def test_after_a_redrive_of_some_only_a_further_failure_is_one_too_many(
    agree, asks, store, batch, status
):
    await agree(5, tolerate=0)
    await store().record([ended(a, "failed") for a in (await claim(store(), 2)).attempts])
    await asks.sweep(batch)
    assert await asks.run_again(batch, but=[0]) == 4
    attempts = (await claim(store(), 2)).attempts
    assert (await store().record([ended(attempts[0], status)])).to_sweep == []
    assert (await store().record([ended(attempts[1], "failed")])).to_sweep == [batch]


async def test_what_is_cancelled_is_no_failure(agree, asks, store, batch):
    await agree(4, tolerate=0)
    await asks.cancel(batch, [0], "me")
    attempts = (await claim(store(), 1)).attempts
    assert (await store().record([ended(attempts[0], "cancelled")])).to_sweep == []
    assert len((await claim(store())).attempts) == 2


async def test_a_batch_that_collects_all_is_never_stopped(agree, store):
    await agree(5)
    attempts = (await claim(store())).attempts
    done = await store().record([ended(a, "failed") for a in attempts])
    assert (done.to_sweep, done.to_extend) == ([], [])


async def test_the_last_failure_has_nothing_to_stop(redis, agree, store, batch):
    await agree(1, tolerate=0)
    attempts = (await claim(store())).attempts
    assert (await store().record([ended(attempts[0], "failed")])).to_sweep == []
    assert await redis.hget(keys.batch(batch), "cancelled_by") is None


async def test_a_claim_tells_the_deadline_and_ends_what_is_too_late(
    agree, asks, store, batch, pass_time
):
    await agree(3, deadline=0.3)
    (attempt,) = (await claim(store(), 1)).attempts
    now = (await store().claim(0, 0, 0)).now
    assert attempt.batch_deadline.limit == 0.3
    assert 0 < attempt.batch_deadline.at - now <= 300
    await pass_time(0.35)
    assert (await claim(store())).attempts == []
    (raw,) = await asks.results(batch, [1])
    outcome = records.decode_result(raw)
    assert isinstance(outcome, TimedOut)
    assert (outcome.which, outcome.limit, outcome.attempt) == ("batch", 0.3, 0)


async def test_a_claim_of_a_batch_without_deadline_tells_none(agree, store):
    await agree(1)
    assert (await claim(store())).attempts[0].batch_deadline is None


async def test_a_job_that_waited_too_long_is_never_started(agree, asks, store, batch, pass_time):
    await agree(2, queue_timeout=0.2)
    (first,) = (await claim(store(), 1)).attempts
    await store().release([Release(first, charge=True)])
    await pass_time(0.25)
    assert (await asks.sweep(batch)).ended == 1
    (again,) = (await claim(store())).attempts  # it was started in time
    assert again.slot == 0
    (raw,) = await asks.results(batch, [1])
    outcome = records.decode_result(raw)
    assert (outcome.which, outcome.limit, outcome.attempt) == ("queue", 0.2, 0)


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({"deadline": 0.2}, "timed_out"),
        ({"queue_timeout": 0.2}, "timed_out"),
        ({"lease": 0.2}, "cancelled"),
    ],
)
async def test_a_collector_ends_what_is_too_late_when_no_worker_does(
    agree, asks, store, batch, pass_time, terms, status
):
    await agree(300, **terms)
    early = await asks.sweep(batch)
    assert (early.ended, early.running) == (0, 0)
    assert 0 < early.again <= 0.2
    await pass_time(early.again + 0.02)
    swept = await asks.sweep(batch, contact=await contact(store()))
    assert swept.ended == 300
    assert {found[1] for found in await statuses(asks, batch, 300)} == {status}
    late = await asks.sweep(batch)
    assert (late.ended, late.running) == (0, 0)
    assert 5 < late.again <= 10


async def test_only_those_that_waited_too_long_end(asks, batch, pass_time):
    patient = call("f").with_queue_timeout(60)
    jobs = [
        records.encode_job(c, batch, slot, None, 0.01)
        for slot, c in enumerate([patient, call("f")])
    ]
    await asks.submit(batch, 2, 60, 0, jobs, options=BatchOptions(queue_timeout=0.01))
    await pass_time(0.05)
    swept = await asks.sweep(batch)
    assert swept.ended == 1
    assert 5 < swept.again <= 10
    assert await statuses(asks, batch, 2) == [(1, "timed_out", None)]


async def test_what_is_cancelled_ends_as_such_though_others_have_waited_too_long(
    redis, asks, store, batch, pass_time
):
    jobs = [
        records.encode_job(call("f"), batch, slot, None, wait) for slot, wait in enumerate([60, 1])
    ]
    await asks.submit(batch, 2, 60, 0, jobs, options=BatchOptions(queue_timeout=1))
    await redis.hset(keys.batch(batch), "cancelled_by", "me")
    await pass_time(2)
    assert (await claim(store())).attempts == []
    assert await statuses(asks, batch, 2) == [(0, "cancelled", "me"), (1, "cancelled", "me")]


async def test_the_wait_in_the_queue_begins_when_the_delay_is_over(asks, batch, pass_time):
    jobs = [records.encode_job(call("f"), batch, 0, None, queue_timeout=10, delay=10)]
    await asks.submit(batch, 1, 3600, 0, jobs, options=BatchOptions(queue_timeout=10))
    await pass_time(15)
    assert (await asks.sweep(batch)).ended == 0
    await pass_time(10)
    assert (await asks.sweep(batch, force=True)).ended == 1


@pytest.mark.parametrize("tail", ['"queue_timeout":1.2.3', '"queue_timeout":1,"delay":-'])
async def test_a_damaged_queue_timeout_is_none_and_neighbours_keep_theirs(
    redis, agree, asks, batch, pass_time, tail
):
    await agree(2, queue_timeout=10)
    await pass_time(15)
    await redis.set(keys.job(f"{batch}:0"), f'{{"f":"f",{tail},"et":5}}', keepttl=True)
    await asks.sweep(batch)
    assert await statuses(asks, batch, 2) == [(1, "timed_out", None)]


@pytest.mark.parametrize("most", [None, 1], ids=["queued", "outside"])
async def test_a_sweep_comes_again_when_the_next_has_waited_too_long(asks, batch, pass_time, most):
    calls = [call("f"), call("f").with_queue_timeout(3)]
    jobs = [records.encode_job(c, batch, slot, None, 0.01) for slot, c in enumerate(calls)]
    given = BatchOptions(queue_timeout=0.01, max_at_once=most)
    await asks.submit(batch, 2, 60, 0, jobs, options=given)
    await pass_time(0.05)
    swept = await asks.sweep(batch)
    assert swept.ended == 1
    assert 0 < swept.again <= 3
    assert await statuses(asks, batch, 2) == [(0, "timed_out", None)]


async def test_what_had_begun_before_a_redrive_waits_outside_without_a_limit(
    agree, asks, store, batch, pass_time
):
    await agree(2, max_at_once=1, queue_timeout=0.2)
    for _ in range(2):
        await store().record([ended(a, "failed") for a in (await claim(store())).attempts])
    assert await asks.run_again(batch) == 2
    await pass_time(0.3)
    assert (await asks.sweep(batch, force=True)).ended == 0


async def test_a_slot_that_is_not_written_waits_for_nothing(asks, batch, pass_time):
    jobs = [records.encode_job(call("f", n), batch, n, None, 0.01) for n in range(2)]
    given = {"options": BatchOptions(queue_timeout=0.01), "digests": digests(jobs[:1])}
    await asks.submit(batch, 2, 60, 0, jobs[:1], **given)
    await pass_time(0.05)
    assert (await asks.sweep(batch)).ended == 1
    assert await statuses(asks, batch, 2) == [(0, "timed_out", None)]


async def test_what_waited_too_long_is_looked_for_now_and_then(
    agree, asks, store, batch, pass_time
):
    await agree(2, queue_timeout=0.2)
    (attempt,) = (await claim(store(), 1)).attempts
    await pass_time(0.25)
    assert (await asks.sweep(batch)).ended == 1
    await store().release([Release(attempt)])
    assert (await asks.sweep(batch)).ended == 0  # it did not look
    assert (await asks.sweep(batch, force=True)).ended == 1


async def test_a_sweep_comes_again_for_the_deadline_though_the_lease_is_past(
    agree, asks, batch, pass_time
):
    await agree(1, lease=0.05, deadline=60)
    await pass_time(0.1)
    assert 50 < (await asks.sweep(batch)).again <= 60  # nobody here may judge the lease


async def test_of_a_batch_of_no_jobs_none_is_late(agree, asks, batch, pass_time):
    await agree(0, deadline=0.01)
    await pass_time(0.05)
    assert (await asks.sweep(batch, force=True)).ended == 0


async def test_a_lease_is_renewed_until_it_has_expired(agree, asks, store, batch, pass_time):
    await agree(2, lease=0.3)
    (attempt,) = (await claim(store(), 1)).attempts
    for _ in range(5):
        assert await asks.renew_lease(batch)
        await pass_time(0.1)
    assert (await store().renew([attempt])).cancelled == {}
    await pass_time(0.35)
    # Whether its producer died can be told only by who was in contact all the while.
    assert (await store().renew([attempt])).cancelled == {}
    renewal = await store().renew([attempt], *await contact(store()))
    assert renewal.cancelled == {attempt.job_id: "producer lost"}
    assert not await asks.renew_lease(batch)
    assert (await claim(store())).attempts == []
    assert await statuses(asks, batch, 2) == [(1, "cancelled", "producer lost")]


async def test_a_batch_that_was_cancelled_stays_so_by_whom_though_its_producer_is_lost(
    agree, asks, store, batch, pass_time
):
    await agree(2, lease=0.05)
    (attempt,) = (await claim(store(), 1)).attempts
    await asks.cancel(batch, None, "me")
    await pass_time(0.1)
    renewal = await store().renew([attempt], *await contact(store()))
    assert renewal.cancelled == {attempt.job_id: "me"}


@pytest.mark.parametrize("who", ["claim", "sweep"])
async def test_a_lease_once_found_expired_is_not_renewed_any_more(
    agree, asks, store, batch, pass_time, who
):
    await agree(2, lease=0.05)
    (attempt,) = (await claim(store(), 1)).attempts
    await pass_time(0.1)
    if who == "claim":
        assert (await claim(store())).attempts == []
    else:
        assert (await asks.sweep(batch)).ended == 0
        swept = await asks.sweep(batch, force=True, contact=await contact(store()))
        assert swept.ended == 1
    assert not await asks.renew_lease(batch)
    assert (await store().renew([attempt])).cancelled


async def test_a_lease_that_was_dropped_ends_nothing(agree, asks, store, batch, pass_time):
    await agree(1, lease=0.05)
    await asks.drop_lease(batch)
    assert not await asks.renew_lease(batch)
    await pass_time(0.1)
    assert len((await claim(store())).attempts) == 1


async def test_there_is_no_lease_to_renew_on_what_has_ended_or_is_not_there(
    agree, asks, store, batch
):
    assert not await asks.renew_lease(batch)
    await agree(1, lease=60)
    await store().record([record(a) for a in (await claim(store())).attempts])
    assert not await asks.renew_lease(batch)


@pytest.mark.parametrize("size", [b"x", 10**14])
async def test_there_is_no_lease_to_renew_on_a_batch_without_a_size(
    redis, agree, asks, batch, size
):
    await agree(1, lease=60)
    await redis.hset(keys.batch(batch), "size", size)
    assert not await asks.renew_lease(batch)


async def test_the_first_difference_of_a_named_batch_is_found(redis, agree, asks, batch, queue):
    assert await agree(500, digest=True) == SubmitReply(500, -1, False)
    assert await agree(500, digest=True) == SubmitReply(500, -1, False)
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(500)]
    jobs[7] = records.encode_job(call("f", "other"), batch, 7, None)
    jobs[9] = records.encode_job(call("g", 9), batch, 9, None)
    there = await asks.submit(batch, 500, 60, 0, jobs, digests=digests(jobs))
    assert there.differs == 7
    there = await asks.submit(batch, 500, 60, 8, jobs[8:], digests=digests(jobs[8:]))
    assert there.differs == 9
    assert await redis.zcard(queue) == 200  # the others wait outside
    assert 0 < await redis.ttl(keys.digests(batch)) <= 4_050


async def test_a_named_batch_that_was_begun_is_continued(redis, agree, asks, batch, queue):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(6)]
    await asks.submit(batch, 6, 60, 0, jobs[:2], digests=digests(jobs[:2]))
    assert (await agree(6, digest=True)).differs == -1
    assert await redis.zcard(queue) == 6
    other = [records.encode_job(call("f", -n), batch, n, None) for n in range(6)]
    assert (await asks.submit(batch, 6, 60, 2, other[2:], digests=digests(other[2:]))).differs == 2


async def test_what_runs_or_has_ended_of_a_named_batch_is_not_written_again(
    agree, asks, store, batch
):
    await agree(3, digest=True)
    ended, running = (await claim(store(), 2)).attempts
    await store().record([record(ended)])
    assert (await agree(3, digest=True)).differs == -1
    assert [a.slot for a in (await claim(store("w2"))).attempts] == [2]
    assert (await store().record([record(running)])).replies == ["recorded"]
    assert await asks.recorded(batch, range(3)) == [0, 1]


async def test_what_is_no_digest_gives_way(redis, agree, batch):
    await agree(3, digest=True)
    known = await redis.get(keys.digests(batch))
    await redis.delete(keys.digests(batch))
    await redis.rpush(keys.digests(batch), "x")
    assert (await agree(3, digest=True)).differs == -1
    assert await redis.get(keys.digests(batch)) == known


async def test_slots_without_a_digest_are_like_any(asks, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(3)]
    await asks.submit(batch, 3, 60, 0, jobs[:1])
    assert (await asks.submit(batch, 3, 60, 1, jobs[1:], digests=digests(jobs[1:]))).differs == -1
    assert (await asks.submit(batch, 3, 60, 0, jobs, digests=digests(jobs))).differs == -1


async def test_the_timeout_of_a_job_is_no_difference(asks, batch):
    for timeout in (None, 2.0):
        jobs = [records.encode_job(call("f", 1), batch, 0, timeout)]
        assert (await asks.submit(batch, 1, 60, 0, jobs, digests=digests(jobs))).differs == -1


async def test_a_batch_that_has_gone_is_not_begun_in_the_middle(redis, agree, queue):
    assert (await agree(5, first=2)).size == -1
    assert await redis.zcard(queue) == 0


async def test_submitting_to_a_cancelled_batch_says_so(agree, asks, batch):
    await agree(2)
    await asks.cancel(batch, None, "me")
    # All ended, so the mark is only there if something was left.
    assert (await agree(2)).stopped
