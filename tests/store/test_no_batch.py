"""Jobs without a batch, as plain arq producers have them, and those whose batch is gone."""

import pytest

from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Release

from .steps import claim, expired, record

keys = KeySpace()


@pytest.fixture
def alone(redis, queue, batch, store):
    """Queue a job that belongs to no batch, and claim it."""

    async def alone(id_=f"alone-{batch}"):
        await redis.set(keys.job(id_), b'{"t":1,"f":"f","a":[],"k":{},"et":1}')
        await redis.zadd(queue, {id_: 1.0})
        (attempt,) = (await claim(store())).attempts
        return attempt

    return alone


@pytest.mark.parametrize(("keep", "ttl"), [(60.0, range(60_001)), (None, [-1]), (0.0, [-2])])
async def test_its_result_stays_as_long_as_its_worker_says(redis, alone, store, queue, keep, ttl):
    attempt = await alone()
    outcome = record(attempt, keep=keep)
    assert (await store().record([outcome])).replies == ["recorded"]
    assert await redis.pttl(keys.result(attempt.job_id)) in ttl
    for key in (keys.job, keys.retry, keys.in_progress):
        assert not await redis.exists(key(attempt.job_id))
    assert await redis.zscore(queue, attempt.job_id) is None
    assert (await store().record([outcome])).replies == ["already" if keep != 0 else "refused"]


async def test_its_data_is_not_kept_for_a_redrive(redis, alone, store):
    attempt = await alone()
    await store().record([record(attempt)._replace(status="failed")])
    assert not await redis.exists(keys.job(attempt.job_id))


async def test_a_batch_of_nearly_its_id_is_not_its_own(submit, alone, store, batch):
    attempt = await alone(f"{batch}!")
    await submit()
    assert (await store().record([record(attempt)])).replies == ["recorded"]


async def test_a_result_that_is_no_json_is_known_again(alone, store):
    attempt = await alone()
    outcome = record(attempt)._replace(payload=b"\x80\x05N.")
    assert (await store().record([outcome])).replies == ["recorded"]
    assert (await store().record([outcome])).replies == ["already"]


async def test_arqs_workers_may_be_told_that_it_ran_just_now(redis, alone, store):
    attempt = await alone()
    await store().record([record(attempt)._replace(keep_in_progress=5.0)])
    assert await redis.get(keys.in_progress(attempt.job_id)) == b"1"
    assert 0 < await redis.pttl(keys.in_progress(attempt.job_id)) <= 5000


async def test_it_is_renewed_and_given_back_like_any(redis, alone, store):
    attempt = await alone()
    assert (await store().renew([attempt])).lost == []
    assert await store().release([Release(attempt, charge=True, entry=b'{"attempt":1}')]) == 1
    (again,) = (await claim(store())).attempts
    assert again.number == 2
    assert await store().release([Release(again)]) == 1
    assert await redis.get(keys.retry(again.job_id)) == b"1"
    (again,) = (await claim(store())).attempts
    assert (await store().record([record(again)])).replies == ["recorded"]


async def test_data_that_goes_between_two_attempts_is_told(redis, alone, store):
    attempt = await alone()
    await store().release([Release(attempt, charge=True)])
    await redis.delete(keys.job(attempt.job_id))
    (again,) = (await claim(store())).attempts
    assert "expired or was deleted" in again.problem


async def test_it_is_found_by_who_holds_it(alone, store):
    attempt = await alone()
    (held,) = (await store().find_claims())[1]
    assert (held.job_id, held.batch, held.number) == (attempt.job_id, None, 1)


async def test_a_first_attempt_that_is_not_charged_leaves_no_trace(redis, alone, store):
    attempt = await alone()
    assert await store().release([Release(attempt)]) == 1
    assert not await redis.exists(keys.retry(attempt.job_id))


async def test_of_two_workers_the_one_whose_attempt_is_current_records_it(redis, alone, store):
    attempt = await alone()
    await expired(redis, attempt)
    (other,) = (await claim(store("w2"))).attempts
    assert (await store().record([record(attempt)])).replies == ["refused"]
    assert (await store("w2").record([record(other, "w2")])).replies == ["recorded"]


@pytest.mark.parametrize("status", ["succeeded", "failed"])
async def test_of_a_batch_that_is_gone_nothing_is_left(redis, submit, store, batch, queue, status):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await redis.delete(keys.batch(batch))
    assert (await store().record([record(attempt)._replace(status=status)])).replies == ["gone"]
    for key in (keys.job, keys.retry, keys.in_progress, keys.result):
        assert not await redis.exists(key(attempt.job_id))
    assert await redis.zscore(queue, attempt.job_id) is None


async def test_what_waits_of_a_batch_that_is_gone_is_not_run(
    redis, submit, asks, store, batch, queue
):
    """Redis has evicted its hash alone. Nobody could read an outcome, or submit under that id."""
    await submit(3)
    (first,) = (await claim(store(), 1)).attempts
    await redis.delete(keys.batch(batch))
    assert (await claim(store("w2"))).attempts == []
    assert (await store().record([record(first)])).replies == ["gone"]
    assert [key async for key in redis.scan_iter(f"arq:*{batch}*", 10_000)] == []
    assert await redis.zcard(queue) == 0


async def test_a_job_whose_id_looks_like_a_slot_of_a_batch_is_run(redis, store, queue, batch):
    await redis.set(keys.job(f"{batch}:7"), b'{"t":1,"f":"f","a":[],"k":{},"et":1}')
    await redis.zadd(queue, {f"{batch}:7": 1.0})
    (attempt,) = (await claim(store())).attempts
    assert (attempt.job_id, attempt.batch) == (f"{batch}:7", None)


async def test_jobs_of_a_batch_whose_hash_is_of_another_type_are_run(redis, submit, store, batch):
    """Their results are found by looking."""
    await submit(2)
    await redis.set(keys.batch(batch), "x")
    assert len((await claim(store())).attempts) == 2
