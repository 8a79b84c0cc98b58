"""cancel.lua and sweep.lua on a real server: each return, each state a job can be in."""

import asyncio
import json

import pytest

from gatherq import Cancelled, call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.remote_errors.error_groups import group_of
from gatherq.store.jobs import Release
from gatherq.store.script import script

from .steps import claim, expired, record

keys = KeySpace()


@pytest.fixture
def outcome(asks, batch):
    async def outcome(slot=0):
        (raw,) = await asks.results(batch, [slot])
        return None if raw is None else records.decode_result(raw)

    return outcome


async def done(asks, batch):
    """What the completion stream says, from its beginning."""
    return (await asks.completions.read(batch, b"0", 0.001))[1]


async def test_a_queued_slot_ends_at_once_and_is_never_claimed(
    redis, submit, asks, store, batch, queue, outcome
):
    await submit(3)
    assert await asks.cancel(batch, [1], "someone") == 1
    found = await outcome(1)
    assert isinstance(found, Cancelled)
    assert (found.by, found.slot, found.name, found.attempt) == ("someone", 1, "f", 0)
    assert found.job_id == job_id(batch, 1)
    assert found.started is None
    assert found.enqueued <= found.finished
    assert [a.slot for a in (await claim(store())).attempts] == [0, 2]
    assert await done(asks, batch) == [(1, "cancelled")]
    assert (await asks.counts(batch)).cancelled == 1
    assert 0 < await redis.ttl(keys.result(found.job_id)) <= 4_050


async def test_the_result_has_the_fields_of_one_that_ran(submit, asks, store, batch):
    await submit(2)
    await asks.cancel(batch, [1], 'a "quoted" name')
    (raw,) = await asks.results(batch, [1])
    (attempt,) = (await claim(store())).attempts
    group = group_of("cancelled", {"by": 'a "quoted" name'})
    ran = json.loads(
        records.encode_result(
            records.Verdict("cancelled", "x", {"by": "x"}, group=group),
            job_id=attempt.job_id,
            attempt=1,
            worker="w1",
            job=attempt.job,
            times=records.Times(None, 1),
            queue="q",
            call=attempt.call,
        )
    )
    ended = json.loads(raw)
    assert list(ended) == list(ran)
    assert ended["sig"] == ran["sig"]
    assert raw.decode().startswith(records.result_head("", 0))
    assert (ended["a"], ended["k"], ended["by"]) == ([1], {}, 'a "quoted" name')


@pytest.mark.parametrize("args", [('","a":[', ',"t":null,"timeout":1'), ({"t": None, "a": []},)])
async def test_odd_arguments_are_repeated_as_they_are(submit, asks, batch, outcome, args):
    await submit(jobs=[records.encode_job(call('we"ird', *args), batch, 0, None)])
    await asks.cancel(batch, [0], "me")
    (raw,) = await asks.results(batch, [0])
    assert json.loads(raw)["a"] == json.loads(json.dumps(args))
    assert (await outcome()).name == 'we"ird'


@pytest.mark.parametrize("ender", ["cancel", "claim"])
async def test_a_large_jobs_arguments_are_not_repeated(
    redis, submit, asks, store, batch, outcome, ender
):
    await submit(jobs=[records.encode_job(call("f", "x" * 10_000), batch, 0, None)])
    if ender == "cancel":
        await asks.cancel(batch, None, "me")
    else:
        await redis.hset(keys.batch(batch), "cancelled_by", "me")
        await claim(store())
    (raw,) = await asks.results(batch, [0])
    assert json.loads(raw)["a"] == []
    found = await outcome()
    assert found.name == "f"
    assert found.enqueued.year > 2000


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (b'{"f":"g","a":[1],"k":{}', "g"),
        (b'{"f":"g","a":[1}', "g"),
        (b'{"f":"g","a":[1]', "g"),
        (b'{"f":"g","k":{}', "<unknown>"),
        (b'{"f":"g","a":5,"k":{}', "g"),
        (b'{"f":"g","a":[],"k":null', "g"),
        (b'{"f":5,"a":[],"k":{}', "<unknown>"),
        (b'{"f":"g","a":[],"k":{},"f":5', "g"),
        (b'{"f":"g","a":[],"k":{},"f":null', "g"),
        (b'{"f":"\xff","a":[],"k":{}', "<unknown>"),
        (b' {"f":"g","a":[],"k":{}', "<unknown>"),
        (b'[{"f":"g","a":[],"k":{}', "<unknown>"),
        (b"", "<unknown>"),
        pytest.param(b'{"f":"g","a":["%s"],"k":{}' % (b"x" * 4050), "g", id="too large"),
    ],
)
async def test_whatever_stands_in_place_of_a_job_it_is_cancelled(
    redis, submit, asks, batch, outcome, call, name
):
    await submit()
    data = call + b',"t":null,"timeout":null,"et":5}'
    await redis.set(keys.job(job_id(batch, 0)), data, keepttl=True)
    assert await asks.cancel(batch, [0], "me") == 1
    found = await outcome()
    assert (type(found), found.name) == (Cancelled, name)
    (raw,) = await asks.results(batch, [0])
    assert json.loads(raw)["a"] == ([1] if call.endswith(b'[1],"k":{}') else [])


async def test_a_running_slot_is_asked_and_may_still_finish(
    redis, submit, asks, store, batch, queue, outcome
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert await asks.cancel(batch, [0], "me") == 1
    assert await asks.cancel(batch, [0], "another") == 1
    assert await outcome() is None
    renewal = await store().renew([attempt])
    assert renewal.cancelled == {attempt.job_id: "me"}
    assert 0 < await redis.ttl(KeySpace(queue).cancel_marks) <= 86_400
    assert (await store().record([record(attempt)])).replies == ["recorded"]
    assert not await redis.exists(KeySpace(queue).cancel_marks)
    assert await asks.cancel(batch, [0], "me") == 0


async def test_cancelling_a_batch_ends_what_is_queued_and_asks_what_runs(
    submit, asks, store, batch
):
    await submit(600)
    running = (await claim(store(), 5)).attempts
    await store().record([record(running[0])])
    assert await asks.cancel(batch, None, "me") == 599
    counts = await asks.counts(batch)
    assert (counts.succeeded, counts.cancelled, counts.running) == (1, 595, 4)
    renewal = await store().renew(running[1:])
    assert renewal.cancelled == {a.job_id: "me" for a in running[1:]}
    assert (await claim(store())).attempts == []
    assert await asks.cancel(batch, None, "another") == 4
    assert (await store().renew([running[1]])).cancelled[running[1].job_id] == "me"


async def test_a_finished_batch_cannot_be_cancelled_nor_one_that_is_not_there(
    redis, submit, asks, store, batch
):
    assert await asks.cancel(batch, None, "me") is None
    assert await asks.cancel(batch, [0], "me") is None
    assert await asks.sweep(batch, force=True) is None
    await submit()
    await store().record([record(a) for a in (await claim(store())).attempts])
    before = await redis.get(keys.result(job_id(batch, 0)))
    assert await asks.cancel(batch, None, "me") == 0
    assert await asks.cancel(batch, [0], "me") == 0
    assert await redis.hget(keys.batch(batch), "cancelled_by") is None
    assert await redis.get(keys.result(job_id(batch, 0))) == before


async def test_a_retry_that_waits_is_queued_too(submit, asks, store, batch, outcome):
    await submit(2)
    (attempt,) = (await claim(store(), 1)).attempts
    await store().release([Release(attempt, 60, charge=True)])
    assert await asks.cancel(batch, [0], "me") == 1
    assert (await outcome()).attempt == 1
    counts = await asks.counts(batch)
    assert (counts.running, counts.cancelled) == (0, 1)


async def test_a_slot_cancelled_while_it_ran_and_given_back_ends_at_the_next_claim_or_sweep(
    redis, submit, asks, store, batch, queue, outcome
):
    await submit(2)
    attempts = (await claim(store())).attempts
    await asks.cancel(batch, [0, 1], "me")
    await store().release([Release(attempts[0])])
    assert (await claim(store("w2"))).attempts == []
    assert (await outcome(0)).by == "me"
    assert (await asks.sweep(batch)).ended == 0  # the other runs still
    await store().release([Release(attempts[1])])
    assert (await asks.sweep(batch)).ended == 1
    assert (await outcome(1)).by == "me"
    assert not await redis.exists(KeySpace(queue).cancel_marks)


@pytest.mark.parametrize(
    "what", ["many are", "the marks are junk", "it lapsed", "it ended", "arq's worker has it"]
)
async def test_what_is_marked_does_not_end_by_a_sweep_where(
    redis, submit, asks, store, batch, queue, what
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await asks.cancel(batch, [0], "me")
    marks = KeySpace(queue).cancel_marks
    if what == "it lapsed":  # its worker may have lost Redis alone
        await expired(redis, attempt)
    elif what == "it ended":
        await store().record([record(attempt)])
        await redis.hset(marks, attempt.job_id, "me")
    else:
        await store().release([Release(attempt)])
    if what == "many are":
        await redis.hset(marks, mapping={f"another:{n}": "me" for n in range(1000)})
    elif what == "the marks are junk":
        await redis.delete(marks)
        await redis.set(marks, "x")
    elif what == "arq's worker has it":
        await redis.set(keys.in_progress(attempt.job_id), "1", ex=60)
    assert (await asks.sweep(batch)).ended == 0
    assert (await asks.counts(batch)).cancelled == 0


async def test_a_sweep_ends_no_marked_job_of_another_batch(
    redis, submit, asks, store, batch, queue
):
    await asks.submit(f"{batch}-2", 1, 60, 0, [records.encode_job(call("f"), batch, 0, None)])
    (attempt,) = (await claim(store())).attempts
    await asks.cancel(f"{batch}-2", [0], "me")
    await store().release([Release(attempt)])
    await submit(2)
    assert (await asks.sweep(batch)).ended == 0
    assert (await asks.sweep(f"{batch}-2")).ended == 1


async def test_what_was_never_begun_ends_whatever_its_score(redis, submit, asks, batch, queue):
    await submit()
    await redis.zadd(queue, {job_id(batch, 0): 10**13 - 1})  # like a lease that ends there
    assert await asks.cancel(batch, None, "me") == 1
    assert (await asks.counts(batch)).cancelled == 1


async def test_a_look_that_was_broken_off_is_not_one_through_all_slots(
    redis, submit, asks, batch, queue
):
    await submit(3)
    await redis.hset(keys.batch(batch), "cancelled_by", "me")
    sweep = script("batch/sweep").bind(redis, KeySpace(queue), n=2)
    given = {"next_before": -1, "contact_since": 0, "contact_last": 0}
    assert (await sweep(batch_id=batch, first=0, force=0, **given))[1] == 2
    assert (await asks.sweep(batch)).ended == 1


async def test_all_slots_are_looked_through_now_and_then_and_not_at_every_look(
    redis, submit, asks, store, batch
):
    await submit(300)
    attempts = (await claim(store(), 2)).attempts
    await asks.cancel(batch, None, "me")
    await store().release([Release(attempts[0])])
    swept = await asks.sweep(batch)
    assert (swept.ended, swept.running) == (0, 0)  # it did not look
    assert 5 < swept.again <= 10
    swept = await asks.sweep(batch, force=True)
    assert (swept.ended, swept.running) == (1, 1)
    await store().release([Release(attempts[1])])
    await redis.hset(keys.batch(batch), "patient", 1)
    assert (await asks.sweep(batch)).ended == 1


async def test_a_slot_that_is_marked_in_a_cancelled_batch_ends_once(
    redis, submit, asks, store, batch
):
    await submit(2)
    (attempt,) = (await claim(store(), 1)).attempts
    await asks.cancel(batch, [0], "me")
    await store().release([Release(attempt)])
    assert await asks.cancel(batch, None, "another") == 2
    assert await done(asks, batch) == [(0, "cancelled"), (1, "cancelled")]
    assert (await asks.counts(batch)).cancelled == 2


async def test_a_dead_workers_job_ends_as_cancelled_and_its_late_result_is_refused(
    redis, submit, asks, store, batch, outcome
):
    await submit()
    (attempt,) = (await claim(store())).attempts
    await asks.cancel(batch, None, "me")
    await expired(redis, attempt)
    assert (await claim(store("w2"))).attempts == []
    assert isinstance(await outcome(), Cancelled)
    assert (await store().renew([attempt])).lost == [attempt.job_id]
    assert (await store().record([record(attempt)])).replies == ["refused"]


async def test_what_is_submitted_after_the_cancel_ends_too(submit, asks, store, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    await asks.submit(batch, 4, 60, 0, jobs[:2])
    assert await asks.cancel(batch, None, "me") == 4
    await asks.submit(batch, 4, 60, 2, jobs[2:])
    assert (await claim(store())).attempts == []
    assert await done(asks, batch) == [(n, "cancelled") for n in range(4)]


async def test_what_is_submitted_between_the_cancel_and_its_sweep_ends_too(asks, store, batch):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(4)]
    await asks.submit(batch, 4, 60, 0, jobs[:2], digests=digests(jobs[:2]))
    assert await asks.cancel(batch, [], "me", "request") == 4
    assert (await asks.submit(batch, 4, 60, 2, jobs[2:], digests=digests(jobs[2:]))).stopped
    assert (await claim(store())).attempts == []
    assert await done(asks, batch) == [(n, "cancelled") for n in range(4)]


async def test_a_claim_ends_many_in_runs_and_says_that_there_is_more(
    redis, submit, asks, store, batch
):
    await submit(300)
    await redis.hset(keys.batch(batch), "cancelled_by", "me")
    for left in (180, 100):
        found = await claim(store(), 1000)
        assert found.attempts == []
        counts = await asks.counts(batch)
        assert counts.cancelled == 300 - left
        assert (found.next_in == 0) == (left > 100)
        assert found.to_sweep == [batch]  # for those that no claim will meet
    await store().sweep(batch)
    assert (await asks.counts(batch)).cancelled == 300


async def test_cancel_against_claim_and_finish_ends_in_exactly_one_of_the_two(
    redis, asks, store, batch, queue
):
    """A thousand interleavings: three connections, in any order that the server likes."""
    size = 1000
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(size)]
    await asks.submit(batch, size, 60, 0, jobs)
    worker, claimed = store(), []

    async def work():
        while len(claimed) + (await asks.counts(batch)).cancelled < size:
            attempts = (await claim(worker, 3)).attempts
            claimed.extend(attempts)
            done = await worker.record([record(a) for a in attempts])
            assert set(done.replies) <= {"recorded"}

    async def cancel(offset):
        for slot in range(offset, size, 4):
            await asks.cancel(batch, [slot], "me")
            await asks.cancel(batch, [slot], "twice")

    async with asyncio.timeout(60):
        await asyncio.gather(work(), cancel(1), cancel(3))
    found = await done_all(asks, batch)
    assert sorted(slot for slot, _ in found) == list(range(size))
    ran = {a.slot for a in claimed}
    outcomes = [json.loads(raw)["status"] for raw in await asks.results(batch, list(range(size)))]
    assert {slot for slot, status in found if status == "succeeded"} == ran
    assert outcomes == ["succeeded" if slot in ran else "cancelled" for slot in range(size)]
    assert 0 < len(ran) < size
    assert await redis.zcard(queue) == 0
    counts = await asks.counts(batch)
    assert (counts.running, counts.finished) == (0, size)
    assert not await redis.exists(KeySpace(queue).cancel_marks)


async def done_all(asks, batch):
    after, found = b"0", []
    while True:
        after, more = await asks.completions.read(batch, after, 0.001)
        if not more:
            return found
        found += more


async def test_workers_are_told_of_what_may_run_and_of_nothing_else(
    redis, submit, asks, store, batch, queue
):
    async def told():
        # The message of the test comes after all that the step has told.
        await redis.publish(KeySpace(queue).channel, "end")
        found = []
        while (message := await heard.get_message(timeout=5))["data"] != b"end":
            found.append(json.loads(message["data"]))
        return found

    await submit(4)
    first, second = (await claim(store(), 2)).attempts
    async with redis.pubsub() as heard:
        await heard.subscribe(KeySpace(queue).channel)
        assert (await heard.get_message(timeout=5))["type"] == "subscribe"
        await asks.cancel(batch, [3], "me")
        assert await told() == []
        await asks.cancel(batch, [0, 2], "me")
        assert await told() == [{"jobs": [first.job_id], "by": "me"}]
        await asks.cancel(batch, (), "you")
        assert await told() == [{"batch": batch, "by": "you"}]
        await store().record([record(first), record(second)])
        await asks.cancel(batch, (), "you")
        assert await told() == []


async def test_of_a_large_batch_what_is_lost_or_not_written_yet_does_not_end(
    redis, submit, asks, batch, queue
):
    jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(250)]
    await submit(300, jobs=jobs)
    await redis.zrem(queue, job_id(batch, 0))
    assert await asks.cancel(batch, [0, 280], "me") == 0
    assert await asks.results(batch, [0, 280]) == [None, None]
    assert await asks.cancel(batch, [249], "me") == 1  # it waits outside
    assert await asks.cancel(batch, None, "me") == 299
    assert await asks.results(batch, [0]) == [None]
    assert (await asks.counts(batch)).cancelled == 299
