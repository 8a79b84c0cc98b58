"""Which job is whose: by its id, checked against its batch, and by the life of that batch."""

import asyncio
import json

import pytest

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace
from gatherq.store.jobs import Release

from .steps import Asks, claim, expired, record

keys = KeySpace()


def encoded(batch, size, name="f"):
    return [records.encode_job(call(name, n), batch, n, None) for n in range(size)]


@pytest.fixture
def named(asks, batch):
    """Submit a batch under a name of the caller's."""

    async def submit(size=1, life="a", name="f"):
        jobs = encoded(batch, size, name)
        return await asks.submit(batch, size, 3600, 0, jobs, digests=digests(jobs), life=life)

    return submit


@pytest.mark.parametrize("data", [None, b"", b'{"f":"ok","a":[', b"\x80\x04N.", b"[" * 5000])
async def test_a_slot_whose_data_cannot_be_read_is_still_that_slot(
    redis, submit, store, batch, data
):
    await submit(2)
    await (
        redis.delete(keys.job(f"{batch}:1"))
        if data is None
        else redis.set(keys.job(f"{batch}:1"), data)
    )
    _, damaged = (await claim(store())).attempts
    assert (damaged.job, damaged.batch, damaged.slot) == (None, batch, 1)
    assert (await store().record([record(damaged)])).replies == ["recorded"]
    assert await redis.hget(keys.batch(batch), "succeeded") == b"1"
    assert await redis.xlen(keys.done(batch)) == 1


@pytest.mark.parametrize(
    "id_", ["{}:2", "{}:02", "{}:-1", "{}:1e0", "{}:1.0", "{}: 1", "{}:0:0", "x:{}:0", "{}"]
)
async def test_an_id_alone_makes_nothing_a_slot(redis, submit, asks, store, batch, queue, id_):
    """A cancelled batch, and a job of arq's whose id looks like one of its slots."""
    await submit(2)
    await asks.cancel(batch, None, "me")
    id_ = id_.format(batch)
    payload = b'{"t":null,"f":"f","a":[],"k":{},"et":1}'
    await redis.set(keys.job(id_), payload)
    await redis.zadd(queue, {id_: 1})
    (found,) = (await claim(store())).attempts
    assert (found.job_id, found.batch) == (id_, None)
    assert (await store().record([record(found)])).replies == ["recorded"]


@pytest.mark.parametrize(
    "payload",
    [
        *(b'{"t":null,"f":"f","a":[],"k":{},"et":1}', b"\x80\x04N.", b'{"f":"f","a":[]}', b"x"),
        b'{"worker":"w","t":1,"id":"x:1","status":"succeeded","r":1,"batch":null,"slot":0,"et":1}',
    ],
)
@pytest.mark.parametrize("where", ["job", "result"])
async def test_what_another_producer_has_under_a_slots_id_is_left_to_it(
    redis, named, batch, queue, where, payload
):
    key = getattr(keys, where)(f"{batch}:1")
    await redis.set(key, payload)
    await redis.zadd(queue, {f"{batch}:1": 1})
    there = await named(3)
    assert (there.size, there.differs) == (3, 1)
    assert await redis.get(key) == payload
    assert not await redis.exists(keys.batch(batch), keys.job(f"{batch}:0"))
    assert await redis.zcard(queue) == 1


async def test_what_is_no_job_under_a_slots_id_gives_way(redis, named, store, batch):
    await redis.rpush(keys.job(f"{batch}:1"), "x")
    assert (await named(3)).differs == -1
    assert [a.job.args for a in (await claim(store())).attempts] == [[0], [1], [2]]


async def test_whatever_stands_for_the_result_of_a_written_slot_is_no_other_batch(
    redis, named, batch
):
    await named(2)
    await redis.set(keys.result(f"{batch}:0"), "x")  # say arq's worker has run it
    assert (await named(2)).differs == -1


@pytest.mark.parametrize("left", ["the hash alone has gone", "its jobs have gone too"])
async def test_a_batch_takes_nothing_over_from_an_earlier_life(redis, named, store, batch, left):
    """It expired while one job was running, one waited for its second attempt, one was queued."""
    await named(3, "a")
    running, waiting = (await claim(store(), 2)).attempts
    await store().release([Release(waiting, charge=True, entry=b'{"attempt":1}')])
    await redis.zadd(keys.again(batch), {"0": 0})
    await redis.delete(keys.batch(batch), keys.done(batch))
    if left == "its jobs have gone too":
        await redis.delete(*(keys.job(f"{batch}:{n}") for n in range(3)))
    assert (await named(3, "b", "g")).differs == -1
    assert not await redis.exists(keys.again(batch))
    again = (await claim(store())).attempts
    assert [(a.slot, a.number, a.job.name, a.life) for a in again] == [
        (n, 1, "g", "b") for n in range(3)
    ]
    assert (await store().record([record(running)])).replies == ["refused"]
    assert (await store().renew([running])).lost == [running.job_id]
    assert await store().release([Release(running)]) == 0
    assert (await store().record([record(a) for a in again])).replies == ["recorded"] * 3


async def test_a_lapsed_attempt_of_another_life_is_not_the_current_one(redis, named, store, batch):
    """Both are the first attempt, and neither has a token any more."""
    await named(1, "a")
    (first,) = (await claim(store())).attempts
    await redis.delete(keys.batch(batch), keys.job(first.job_id))
    await named(1, "b")
    (second,) = (await claim(store("w2"))).attempts
    await expired(redis, second)
    assert (await store().record([record(first)])).replies == ["refused"]
    assert (await store().renew([first])).lost == [first.job_id]
    assert await store().release([Release(first, charge=True)]) == 0
    assert (await store("w2").record([record(second, "w2")])).replies == ["recorded"]


@pytest.mark.parametrize("order", [1, -1])
async def test_outcomes_of_two_lives_of_a_batch_are_recorded_in_one_call(
    asks, named, store, batch, order
):
    worker = store()
    await named(2, "a")
    first = (await claim(worker)).attempts
    await asks.remove(batch)
    await named(3, "b")
    second = (await claim(worker)).attempts
    written = [record(attempt) for attempt in [*first, *second][::order]]
    expected = ["refused", "refused", "recorded", "recorded", "recorded"]
    assert (await worker.record(written)).replies == expected[::order]
    assert (await asks.counts(batch)).succeeded == 3


async def test_two_claims_of_one_attempt_by_one_worker_are_told_apart(submit, store):
    """Given back uncharged and claimed again: the number is the same, the token is not."""
    await submit()
    worker = store()
    (first,) = (await claim(worker)).attempts
    await worker.release([Release(first)])
    (second,) = (await claim(worker)).attempts
    assert (first.number, second.number) == (1, 1)
    assert await worker.release([Release(first)]) == 0
    assert (await worker.record([record(first)])).replies == ["refused"]
    assert (await worker.record([record(second)])).replies == ["recorded"]


async def test_what_is_left_of_a_batch_that_has_gone_is_removed_without_a_word(
    redis, submit, store, batch, queue
):
    await submit(3)
    (running,) = (await claim(store(), 1)).attempts
    await redis.delete(keys.batch(batch), *(keys.job(f"{batch}:{n}") for n in range(3)))
    assert (await claim(store("w2"))).attempts == []
    await expired(redis, running)
    assert (await claim(store("w2"))).attempts == []
    assert await redis.zcard(queue) == 0
    left = [key async for key in redis.scan_iter(f"*{batch}*", 10_000)]
    assert left == []


async def test_a_smaller_life_of_a_batch_leaves_nothing_of_a_larger_one(
    redis, named, store, batch, queue
):
    await named(5, "a")
    await redis.delete(keys.batch(batch), *(keys.job(f"{batch}:{n}") for n in range(5)))
    await named(2, "b")
    assert [a.slot for a in (await claim(store())).attempts] == [0, 1]
    assert await redis.zrange(queue, 0, -1) == [f"{batch}:{n}".encode() for n in range(2)]


async def test_an_expired_job_of_arqs_says_so_as_arq_does(redis, store, queue):
    await redis.zadd(queue, {"report:7": 1_700_000_000_000})
    (found,) = (await claim(store())).attempts
    assert (found.job_id, found.job, found.batch) == ("report:7", None, None)


async def test_arguments_are_never_taken_for_limits(redis, asks, store, batch):
    arguments = {"queue_timeout": 0.001, "timeout": 0.001, "et": 1, "slot": 5, "batch": "x"}
    calls = [call("f", **arguments), call("f", arguments).with_queue_timeout(60)]
    jobs = [records.encode_job(each, batch, n, None, None) for n, each in enumerate(calls)]
    jobs.append(
        records.encode_job(call("f", '","queue_timeout":0.001,"et":1}'), batch, 2, None, None)
    )
    await asks.submit(batch, 3, 3600, 0, jobs, options=BatchOptions(queue_timeout=0.001), life="a")
    assert (await asks.sweep(batch, force=True)).ended == 0
    assert len((await claim(store())).attempts) == 3


async def test_a_result_names_its_batch_and_slot_whatever_the_data_says(redis, asks, store, batch):
    job = records.encode_job(call("f"), "another", 7, None)
    await asks.submit(batch, 1, 3600, 0, [job], life="a")
    await asks.cancel(batch, [0], "me")
    found = json.loads(await redis.get(keys.result(f"{batch}:0")))
    assert (found["id"], found["batch"], found["slot"]) == (f"{batch}:0", batch, 0)


async def test_a_batch_of_another_queue_is_another_batch(redis, asks, batch, queue):
    jobs = encoded(batch, 2)
    await asks.submit(batch, 2, 3600, 0, jobs, digests=digests(jobs), life="a")
    elsewhere = Asks(redis, KeySpace(f"{queue}:other"))
    there = await elsewhere.submit(batch, 2, 3600, 0, jobs, digests=digests(jobs), life="b")
    assert (there.size, there.differs) == (2, 0)
    assert (await elsewhere.mend(batch, [0, 1], -1))[:2] == ([], 2)
    assert not await redis.exists(f"{queue}:other")


@pytest.mark.parametrize("token", [b"1", b"x", b"", b"w:1", b"x" * 1000])
async def test_a_mark_without_an_end_is_left_after_a_lease(redis, submit, store, batch, token):
    await submit()
    await redis.set(keys.in_progress(f"{batch}:0"), token)
    assert (await claim(store())).attempts == []
    assert 0 < await redis.pttl(keys.in_progress(f"{batch}:0")) <= 300
    while await redis.exists(keys.in_progress(f"{batch}:0")):
        await asyncio.sleep(0.01)
    assert len((await claim(store())).attempts) == 1


@pytest.mark.parametrize("life", [b"\xff\xfe", b"\xc3\xa9" * 60, b"x" * 300, b"\x00", b"", b"\xe2"])
async def test_whatever_the_life_of_a_batch_is_an_attempt_of_it_is_current(
    redis, submit, store, batch, life
):
    """A worker is told of it, and tells it again."""
    await submit(2)
    await redis.hset(keys.batch(batch), "life", life)
    first, second = (await claim(store())).attempts
    assert {each.life for each in (await store().find_claims())[1]} == {first.life}
    assert (await store().renew([first, second])).lost == []
    assert (await store().record([record(first)])).replies == ["recorded"]
    assert await store().release([Release(second)]) == 1
