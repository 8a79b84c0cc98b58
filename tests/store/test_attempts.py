"""The history of attempts in Redis, and what a supervisor asks on behalf of the dead."""

import json

from gatherq.contract.keys import KeySpace
from gatherq.contract.records import Times, encode_attempt
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.store.jobs import Release
from gatherq_worker.attempt import Attempt

from .steps import claim, expired, record

keys = KeySpace()


def entry(number):
    error = ErrorInfo(type="ValueError", message="no")
    return encode_attempt(number, "w1", "failed", error, Times(1, 2))


async def test_a_retry_is_claimed_with_its_history_at_once(redis, submit, store):
    await submit()
    (first,) = (await claim(store())).attempts
    assert first.history == ()
    await store().release([Release(first, charge=True, entry=entry(1))])
    assert 0 < await redis.ttl(keys.attempts(first.job_id)) <= 88_400
    # What was given back needs no contact with Redis: nobody holds it.
    (second,) = (await claim(store("w2"), contact=False)).attempts
    assert second.number == 2
    assert [(e["attempt"], e["status"]) for e in second.history] == [(1, "failed")]
    assert not second.suspect


async def test_a_death_that_nobody_reported_is_told_from_a_retry(
    redis,
    submit,
    store,
):
    await submit()
    (first,) = (await claim(store())).attempts
    await expired(redis, first)
    (second,) = (await claim(store("w2"))).attempts
    assert not second.suspect  # its machine may have died, or lost Redis
    assert [e["error"]["type"] for e in second.history] == ["WorkerDied"]
    await store("w2").release([Release(second, charge=True, entry=entry(2))])
    (third,) = (await claim(store())).attempts
    assert [e["status"] for e in third.history] == ["died", "failed"]


async def test_a_finish_takes_the_history_away(redis, submit, store):
    await submit()
    (first,) = (await claim(store())).attempts
    await store().release([Release(first, charge=True, entry=entry(1))])
    (second,) = (await claim(store())).attempts
    assert (await store().record([record(second)])).replies == ["recorded"]
    assert not await redis.exists(keys.attempts(first.job_id))


async def test_a_damaged_history_harms_nobody(redis, submit, store):
    await submit(2)
    attempts = (await claim(store())).attempts
    await store().release([Release(a, charge=True) for a in attempts])
    await redis.rpush(keys.attempts(attempts[0].job_id), b"\xff{", "[]", "{}")
    await redis.set(keys.attempts(attempts[1].job_id), "x")
    again = (await claim(store())).attempts
    assert [a.number for a in again] == [2, 2]
    assert [len(a.history) for a in again] == [1, 1]


async def test_an_entry_of_the_history_that_is_too_large_is_left_out(redis, submit, store):
    await submit()
    (first,) = (await claim(store())).attempts
    large = entry(1).replace(b'"no"', b'"%s"' % (b"x" * 70_000))
    await store().release([Release(first, charge=True, entry=large)])
    (again,) = (await claim(store())).attempts
    assert [e["status"] for e in again.history] == ["died"]


async def test_what_a_worker_holds_is_found_and_nothing_else(redis, submit, store, queue):
    await submit(7)
    others = (await claim(store("w2"), 2)).attempts
    mine = (await claim(store(), 2)).attempts
    await claim(store("w11"), 2)
    await redis.delete(keys.in_progress(others[0].job_id))
    found = [(each.job_id, each.payload) for each in (await store().find_claims(jobs=False))[1]]
    assert found == [(each.job_id, None) for each in mine]
    _, held = await store().find_claims()
    assert [(a.job_id, a.number) for a in held] == [(a.job_id, 1) for a in mine]
    assert Attempt.read(held[0]).job == mine[0].job
    await store().record([record(mine[0])])
    assert len((await store().find_claims())[1]) == 1
    assert json.loads(entry(1))["status"] == "failed"
