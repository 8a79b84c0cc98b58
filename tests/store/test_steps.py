"""The Lua steps alone, on a real server: a test for each thing that they return."""

import pytest

from gatherq import call
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.records import encode_job
from gatherq.store.batches import BatchStore
from gatherq.store.jobs import JobStore, Release
from gatherq_worker.attempt import Attempt

from .steps import LEASE, claim, expired, record

keys = KeySpace()


async def test_a_claim_takes_no_more_than_asked_in_slot_order(submit, store):
    await submit(12)
    slots = [a.slot for a in (await claim(store(), 5)).attempts]
    slots += [a.slot for a in (await claim(store("w2"), 100)).attempts]
    assert slots == list(range(12))


async def test_submissions_of_one_millisecond_start_in_their_order(redis, queue, batch, store):
    batches = [f"{batch}-{n * 7919 % 100:02d}" for n in range(100)]  # their names are in another
    to_submit = BatchStore(redis, KeySpace(queue)).submit
    for each in batches:
        jobs = [encode_job(call("f"), each, slot, None) for slot in range(2)]
        await to_submit(each, 2, 3600, 0, jobs)
    claimed = (await claim(store(), 200)).attempts
    assert [each.job_id for each in claimed] == [
        job_id(each, slot) for each in batches for slot in range(2)
    ]


async def test_what_is_claimed_is_not_claimed_again(submit, store):
    await submit(3)
    assert len((await claim(store())).attempts) == 3
    again = await claim(store("w2"))
    assert again.attempts == []
    assert 0 < again.next_in <= LEASE * 1000


async def test_an_expired_lease_is_claimed_by_the_next_attempt(redis, submit, store):
    await submit()
    (first,) = (await claim(store())).attempts
    await expired(redis, first)
    (second,) = (await claim(store("w2"))).attempts
    assert (first.number, second.number) == (1, 2)


async def test_a_worker_without_full_contact_leaves_expired_leases_alone(redis, submit, store):
    await submit()
    (first,) = (await claim(store())).attempts
    await expired(redis, first)
    assert (await claim(store("w2"), contact=False)).attempts == []
    await store().renew([first])
    assert (await store().record([record(first)])).replies == ["recorded"]


@pytest.fixture
def lapse(redis, queue):
    """Queue jobs as dead workers have left them: they are begun, and their leases have run out."""

    async def lapse(count):
        ids = [f"lapsed-{n}" for n in range(count)]
        await redis.mset({keys.retry(id_): 1 for id_ in ids} | {keys.job(id_): "{}" for id_ in ids})
        await redis.zadd(queue, dict.fromkeys(ids, 1000.0))

    return lapse


async def test_a_worker_without_full_contact_hides_an_expired_lease_for_a_moment_alone(
    redis, queue, lapse
):
    await lapse(1)
    newcomer = JobStore(redis, KeySpace(queue), "w2", 60.0)
    found = await claim(newcomer, contact=False)
    assert found.attempts == []
    assert 0 < found.next_in <= 250
    assert await redis.zscore(queue, "lapsed-0") <= found.now + 250  # others may claim it then


async def test_many_expired_leases_keep_no_worker_without_full_contact_from_what_is_behind_them(
    redis, submit, queue, lapse
):
    await lapse(2500)
    await submit()
    newcomer = JobStore(redis, KeySpace(queue), "w2", 60.0)
    found = [
        attempt for _ in range(4) for attempt in (await claim(newcomer, contact=False)).attempts
    ]
    assert [attempt.slot for attempt in found] == [0]


async def test_fresh_jobs_are_claimed_without_full_contact(submit, store):
    await submit()
    assert len((await claim(store(), contact=False)).attempts) == 1


async def test_a_job_that_somebody_put_first_by_a_whole_score_runs_for_the_first_time(
    redis, submit, store, batch, queue
):
    await submit()
    await redis.zadd(queue, {job_id(batch, 0): 1000})
    await claim(store())
    assert await redis.hget(keys.batch(batch), "running") == b"1"


async def test_a_renewed_lease_holds(submit, store, pass_time):
    await submit()
    (attempt,) = (await claim(store())).attempts
    for _ in range(4):
        await pass_time(LEASE / 2)
        assert (await store().renew([attempt])).lost == []
        assert (await claim(store("w2"))).attempts == []


async def test_renewing_a_lost_lease_says_so(redis, submit, store):
    await submit()
    (first,) = (await claim(store())).attempts
    await expired(redis, first)
    await claim(store("w2"))
    assert (await store().renew([first])).lost == [first.job_id]


async def test_a_finished_job_leaves_its_result_and_nothing_else(
    redis, submit, store, batch, queue
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert (await store().record([record(attempt)])).replies == ["recorded"]
    id_ = attempt.job_id
    for key in (keys.job(id_), keys.in_progress(id_), keys.retry(id_)):
        assert not await redis.exists(key)
    assert await redis.zcard(queue) == 0
    for key in (keys.result(id_), keys.batch(batch), keys.done(batch)):
        assert 0 < await redis.ttl(key) <= 4_050
    assert await redis.hmget(keys.batch(batch), "succeeded", "running") == [b"1", b"0"]


async def test_finishing_twice_changes_nothing(redis, submit, store, batch):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await store().record([record(attempt)])
    assert (await store().record([record(attempt)])).replies == ["already"]
    assert await redis.xlen(keys.done(batch)) == 1
    assert await redis.hget(keys.batch(batch), "succeeded") == b"1"


async def test_a_late_result_is_refused_while_the_next_attempt_runs_and_after(
    redis, submit, store, batch
):
    await submit()
    (first,) = (await claim(store())).attempts
    await expired(redis, first)
    (second,) = (await claim(store("w2"))).attempts
    assert (await store().record([record(first)])).replies == ["refused"]
    assert (await store("w2").record([record(second, "w2")])).replies == ["recorded"]
    stored = await redis.get(keys.result(first.job_id))
    assert (await store().record([record(first)])).replies == ["refused"]
    assert await redis.get(keys.result(first.job_id)) == stored
    assert await redis.xlen(keys.done(batch)) == 1


async def test_a_result_of_a_vanished_batch_resurrects_nothing(redis, submit, store, batch):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await redis.delete(keys.batch(batch))
    assert (await store().record([record(attempt)])).replies == ["gone"]
    assert not await redis.exists(keys.result(attempt.job_id), keys.done(batch), keys.batch(batch))


async def test_release_gives_the_attempt_back_uncharged(submit, store):
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert await store().release([Release(attempt)]) == 1
    assert await store().release([Release(attempt)]) == 0
    (again,) = (await claim(store("w2"))).attempts
    assert again.number == 1
    assert (await store().record([record(attempt)])).replies == ["refused"]


async def test_a_charged_release_is_the_next_attempt_after_its_delay(submit, store, pass_time):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await store().release([Release(attempt, 0.2, charge=True)])
    nothing = await claim(store())
    assert nothing.attempts == []
    assert 0 < nothing.next_in <= 200
    await pass_time(0.25)
    (again,) = (await claim(store())).attempts
    assert again.number == 2


async def test_submitting_again_adds_nothing_and_another_size_is_refused(
    redis, submit, store, queue
):
    await submit(2)
    await submit(2)
    assert await redis.zcard(queue) == 2
    assert (await submit(3)).size == 2
    assert await redis.zcard(queue) == 2
    attempts = (await claim(store())).attempts
    await store().record([record(a) for a in attempts])
    await submit(2)
    assert await redis.zcard(queue) == 0


@pytest.mark.parametrize(
    ("member", "told"),
    [(b"\xff\xfe", r"\xff\xfe"), (b"x" * 4097, "x" * 1024)],
    ids=["bytes", "long"],
)
async def test_what_cannot_be_a_job_goes_into_quarantine_and_neighbours_run(
    redis, submit, store, queue, member, told
):
    await redis.zadd(queue, {member: 1})
    await submit()
    found = await claim(store())
    assert len(found.attempts) == 1
    assert found.quarantined == [told]
    assert await redis.lrange(KeySpace(queue).quarantine, 0, -1) == [member[:1024]]
    assert await redis.zscore(queue, member) is None


#: The first and the last of each length in UTF-8, and the neighbours of what is left out.
CHARACTERS = (
    "\x7f\x80\u07ff\u0800\u0fff\u1000\u3fff\ud7ff\ue000\uffff\U00010000\U0003ffff\U0010ffff"
)
#: What only looks like one: without its head or its end, too long, a surrogate, beyond the last.
NO_CHARACTERS = [
    *(b"\x80" * n for n in range(1, 5)),
    *(b"\xc1\xbf", b"\xc3", b"\xc3x", b"\xc3\xc3", b"\xe2\x82", b"\xe2\x82x", b"\xe2x\x82"),
    *(b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf1\x80\x80"),
    *(b"\xf5\x80\x80\x80", b"\xff"),
]


async def test_an_id_is_a_jobs_if_it_is_utf_8(redis, store, queue):
    ids = [f"a{each}b".encode() for each in CHARACTERS]
    await redis.zadd(queue, dict.fromkeys([*ids, *NO_CHARACTERS], 1))
    found = (await claim(store(), 50)).attempts
    assert {attempt.job_id.encode() for attempt in found} == set(ids)
    refused = await redis.lrange(KeySpace(queue).quarantine, 0, -1)
    assert set(refused) == set(NO_CHARACTERS)


@pytest.mark.parametrize("id_", ["a\nb", "a\0b", "größe", "", "x" * 1000])
async def test_odd_but_readable_ids_are_jobs(redis, store, queue, id_):
    await redis.zadd(queue, {id_: 1})
    (attempt,) = (await claim(store())).attempts
    assert attempt.job_id == id_
    assert "expired or was deleted" in attempt.problem
    assert (await store().record([record(attempt)])).replies == ["recorded"]


@pytest.mark.parametrize("spoil", ["wrong type", "truncated", "not utf-8", "absurd numbers"])
async def test_damaged_job_data_is_an_attempt_with_a_problem(redis, submit, store, batch, spoil):
    await submit(2)
    key = keys.job(job_id(batch, 0))
    await redis.delete(key)
    if spoil == "wrong type":
        await redis.lpush(key, "x")
    else:
        data = {
            "truncated": b'{"f":"f","a":[',
            "not utf-8": b"\xff\xff",
            "absurd numbers": b'{"f":"f","a":[],"k":{},"t":1e400,"et":-9e99,"timeout":-1}',
        }
        await redis.set(key, data[spoil])
    bad, good = (await claim(store())).attempts
    assert bad.problem
    assert good.job is not None


@pytest.mark.parametrize("value", ["abc", "-5", "1.5", "1e308", "9" * 30, b"\xff"])
async def test_a_damaged_attempt_count_begins_anew(redis, submit, store, batch, value):
    await submit()
    await redis.set(keys.retry(job_id(batch, 0)), value)
    (attempt,) = (await claim(store())).attempts
    assert attempt.number == 1


async def test_what_a_plain_arq_worker_holds_is_left_to_it(redis, submit, store, batch, queue):
    await submit(2)
    held = job_id(batch, 0)
    await redis.psetex(keys.in_progress(held), 60_000, b"1")
    score = await redis.zscore(queue, held)
    found = await claim(store())
    assert [attempt.slot for attempt in found.attempts] == [1]
    assert found.held_by_arq == held
    assert await redis.zscore(queue, held) == score


async def test_a_running_job_with_an_early_score_is_looked_at_when_its_lease_ends(
    redis, submit, queue
):
    """Somebody else has queued it again."""
    worker, other = (JobStore(redis, KeySpace(queue), name, 60.0) for name in ("w1", "w2"))
    await submit()
    (attempt,) = (await claim(worker)).attempts
    await redis.pexpire(keys.in_progress(attempt.job_id), 30_000)
    await redis.zadd(queue, {attempt.job_id: 1})
    found = await claim(other)
    assert (found.attempts, found.held_by_arq) == ([], "")
    assert 0 < found.next_in <= 30_000
    assert await redis.pttl(keys.in_progress(attempt.job_id)) <= 30_000


async def test_a_flushed_script_cache_is_invisible(redis, submit, store):
    for n in range(3):
        await redis.script_flush()
        await submit(3)
        await redis.script_flush()
        assert len((await claim(store(), 1)).attempts) == 1, n


async def test_every_key_but_the_queue_has_a_ttl(redis, submit, store, batch, queue):
    await submit(300)
    attempts = (await claim(store())).attempts
    await store().renew(attempts)
    await store().record([record(a) for a in attempts[:5]])
    await store().release([Release(a) for a in attempts[5:7]])
    found = [k async for k in redis.scan_iter(count=1000) if batch in str(k) or queue in str(k)]
    assert len(found) > 300
    eternal = [key for key in found if await redis.ttl(key) == -1]
    assert eternal == [queue.encode()]


async def test_thousands_of_leases_are_renewed_together(store):
    renewal = await store().renew([Attempt(f"none:{n}", 1, None) for n in range(5000)])
    assert len(renewal.lost) == 5000


async def test_expired_leases_wait_while_the_last_contact_is_too_old(redis, submit, store):
    await submit()
    (first,) = (await claim(store())).attempts
    await expired(redis, first)
    now = (await store("w2").claim(0, 0, 0)).now
    assert (await store("w2").claim(10, now - 10_000, now - 10_000)).jobs == []


async def test_a_claim_that_fills_the_worker_hands_the_watch_on(redis, submit, store, queue):
    await submit(2)
    assert await redis.lpop(KeySpace(queue).wake) == b"1"  # submit wakes one worker
    await store().claim(1, 0, 0)
    assert await redis.lpop(KeySpace(queue).wake) == b"1"
    await store().claim(10, 0, 0)  # this one goes on watching
    assert await redis.lpop(KeySpace(queue).wake) is None


async def test_an_outcome_that_lets_nothing_in_wakes_nobody(redis, submit, store, queue):
    await submit(2)
    attempts = (await claim(store())).attempts
    await redis.delete(KeySpace(queue).wake)
    await store().record([record(attempts[0])])
    assert await redis.exists(KeySpace(queue).wake) == 0


async def test_foreign_data_in_the_keys_of_a_batch_harms_nobody(redis, submit, store, batch):
    await submit(2)
    await redis.delete(keys.batch(batch))
    await redis.set(keys.batch(batch), "not a hash")
    attempts = (await claim(store())).attempts
    assert len(attempts) == 2
    await redis.set(keys.retry(attempts[0].job_id), "7")
    await redis.rpush(keys.result(attempts[0].job_id), "not a string")
    done = await store().record([record(attempt) for attempt in attempts])
    assert done.replies == ["recorded", "recorded"]  # as jobs of their own: nobody can collect them


async def test_a_lease_that_ran_out_unclaimed_is_renewed(redis, submit, store):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await expired(redis, attempt)
    assert (await store().renew([attempt])).lost == []
    assert (await claim(store("w2"))).attempts == []


async def test_a_running_job_that_the_queue_has_lost_is_put_back_by_its_renewal(
    redis, submit, store, queue
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await redis.delete(queue)
    await store().renew([attempt])
    assert await redis.zcard(queue) == 1
    await store().record([record(attempt)])
    await store().renew([attempt])
    assert await redis.zcard(queue) == 0


async def test_so_is_one_whose_lease_has_run_out_too(redis, submit, store, queue):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await redis.delete(queue, keys.in_progress(attempt.job_id))
    assert (await store().renew([attempt])).lost == []
    assert await redis.zscore(queue, attempt.job_id)
    assert await redis.exists(keys.in_progress(attempt.job_id))


async def test_what_is_no_wake_list_gives_way(redis, submit, queue):
    await redis.set(KeySpace(queue).wake, "junk")
    await submit()
    assert await redis.lrange(KeySpace(queue).wake, 0, -1) == [b"1"]


async def test_an_attempt_whose_token_is_anothers_is_not_released(redis, submit, store):
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert await store("w2").release([Release(attempt)]) == 0
    assert (await claim(store("w3"))).attempts == []
