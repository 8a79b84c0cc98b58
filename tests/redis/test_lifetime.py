"""Redrive, extension and deletion of a batch: what the Lua steps leave, on a real server."""

import json

from gatherq import keys, wire
from gatherq.standing import Standing
from gatherq_worker.store import Record

from .steps import claim, record


def failed(attempt, worker="w1", **fields):
    job = attempt.job
    payload = wire.encode_result(
        wire.Verdict(
            "failed", "ValueError: no", {"error": {"type": "ValueError", "message": "no"}}
        ),
        job_id=attempt.job_id,
        attempt=attempt.number,
        worker=worker,
        job=job,
        times=wire.Times(1_700_000_000_000, 1_700_000_000_005),
        queue="q",
        echo=True,
        history=attempt.history,
    )
    return Record(attempt, "failed", payload, 60)


async def test_what_did_not_succeed_is_claimed_again_in_slot_order(
    redis, submit, asks, store, batch, queue
):
    await submit(6)
    attempts = (await claim(store(), 4)).attempts
    good, bad = attempts[1], [attempts[n] for n in (0, 2, 3)]
    await store().finish([record(good), *map(failed, reversed(bad))])
    await asks.cancel(batch, [4], "me")
    kept = await redis.get(keys.result(good.job_id))
    assert await asks.redrive(batch) == 4
    assert await asks.redrive(batch) == 0
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
    done = await store("w2").finish([record(a, "w2") for a in again])
    assert done.words == ["recorded"] * 5
    counts = await asks.counts(batch)
    assert (counts.succeeded, counts.running, counts.finished) == (6, 0, 6)
    assert dict((await asks.completions(batch, b"0", 0.001))[1]) == dict.fromkeys(
        range(6), "succeeded"
    )


async def test_the_attempts_before_a_redrive_are_kept(redis, submit, asks, store, batch):
    await submit()
    for number in (1, 2, 3):
        (attempt,) = (await claim(store())).attempts
        assert attempt.number == number
        await store().finish([failed(attempt)])
        assert await asks.redrive(batch) == 1
        assert 0 < await redis.ttl(keys.attempts(attempt.job_id)) <= 68
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
    await store().finish([failed(a) for a in (await claim(store())).attempts])
    await asks.redrive(batch)
    queued = Standing(None, False, True)
    assert await asks.standings(batch, [0, 1]) == [queued, queued]
    first, second = (await claim(store())).attempts
    assert await asks.standings(batch, [0, 1]) == [queued, queued]  # it runs
    await store().finish([record(first), record(second)])
    await redis.delete(keys.result(second.job_id))
    ended, lost = await asks.standings(batch, [0, 1])
    assert ended.result is not None
    assert lost == Standing(None, False, False)
    assert await asks.recorded(batch, [0, 1]) == [0]


async def test_whatever_stands_where_a_result_should_is_told(redis, submit, asks, batch, queue):
    await submit(3)
    await redis.delete(queue)
    await redis.rpush(keys.result(f"{batch}:1"), "x")
    standings = await asks.standings(batch, [0, 1])
    assert standings == [Standing(None, False, False), Standing(None, True, False)]
    await redis.set(queue, "not a queue")
    assert [each.queued for each in await asks.standings(batch, [0, 1])] == [True, True]
    await redis.hdel(keys.batch(batch), "size")  # as the first step of a deletion does
    assert await asks.standings(batch, [0, 1]) is None
