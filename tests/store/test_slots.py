"""What is wrong with one slot, or with one batch, is read past by every reader."""

import asyncio
import json
from contextlib import aclosing

import pytest
from pydantic import RootModel, model_validator

from gatherq import Failed, Succeeded, call, job
from gatherq.contract.keys import KeySpace
from gatherq.errors import RemoteError
from gatherq.store.jobs import Record

from ..conftest import until
from .steps import claim
from .worker import serve, succeeded

keys = KeySpace()

#: More than those whose completions bring their results along.
N = 11
BAD = 3


async def outcomes(producer, calls):
    return await (await producer.submit(calls)).outcomes()


async def iteration(producer, calls):
    return [outcome async for outcome in await producer.submit(calls)]


async def as_completed(producer, calls):
    batch = await producer.submit(calls)
    found = [outcome async for outcome in batch.as_completed(timeout=15)]
    return sorted(found, key=lambda outcome: outcome.slot)


async def wait(producer, calls):
    batch = await producer.submit(calls)
    done, pending = await batch.wait()
    assert not pending
    return sorted([await handle.outcome() for handle in done], key=lambda o: o.slot)


async def handles(producer, calls):
    each = (await producer.submit(calls)).handles()
    return await asyncio.gather(*each, return_exceptions=True)


async def group(producer, calls):
    singles = [await producer.submit_one(call) for call in calls]
    return await asyncio.gather(*singles, return_exceptions=True)


async def gather(producer, calls):
    return await producer.gather(*calls, return_exceptions=True)


async def mapped(producer, calls):
    async with aclosing(producer.map(lambda n: calls[n], range(len(calls)))) as found:
        return [outcome async for outcome in found]


async def attached(producer, calls):
    batch = await producer.submit(calls)
    return await (await producer.batch(batch.id)).outcomes()


READERS = [outcomes, iteration, as_completed, wait, handles, group, gather, mapped, attached]


def plain(result):
    """The value, or the type of the error."""
    match result:
        case Succeeded(value=value):
            return value
        case Failed(error=error):
            return error.type
        case RemoteError():
            return result.outcome.error.type
        case BaseException():
            return type(result).__name__
    return result


@pytest.mark.parametrize("reader", READERS)
async def test_a_damaged_result_is_that_slots_failure(producer, store, reader):
    def result(attempt):
        if attempt.job.args[0] == BAD:
            return b'{"worker":"w1","t":1,"id":"'
        return succeeded(attempt)

    async with until(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(store(), N, result))
        found = await reader(producer, [call("f", n) for n in range(N)])
    expected = [n if n != BAD else "UnreadableResult" for n in range(N)]
    assert [plain(each) for each in found] == expected


class Picky(RootModel[int]):
    @model_validator(mode="after")
    def check(self):
        if self.root == BAD:
            raise ZeroDivisionError("mine")
        return self


@job()
async def pick(n: int) -> Picky:
    return Picky(n)


@pytest.mark.parametrize("reader", [outcomes, as_completed, wait, handles, gather, mapped])
async def test_a_validator_that_raises_is_that_slots_failure(producer, store, reader):
    async with until(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(store(), N))
        found = await reader(producer, [pick.call(n) for n in range(N)])
    found = [plain(each) for each in found]
    expected = [Picky.model_construct(root=n) if n != BAD else "UnreadableResult" for n in range(N)]
    assert found == expected


async def _ended(producer, store, size=N):
    batch = await producer.submit([call("f", n) for n in range(size)])
    await serve(store(), size)
    return batch


async def _read(batch):
    """Read in three ways, at the same time as another batch; they must agree."""
    async with until(20):
        by_order, as_ended = await asyncio.gather(batch.outcomes(), _as_ended(batch))
        assert as_ended == sorted(by_order, key=lambda outcome: outcome.slot)
    return [plain(outcome) for outcome in by_order]


async def _as_ended(batch):
    found = [outcome async for outcome in batch.as_completed()]
    return sorted(found, key=lambda outcome: outcome.slot)


async def _set(redis, key, value):
    await redis.set(key, value, keepttl=True)


async def _list(redis, key, value):
    await redis.delete(key)
    await redis.rpush(key, "x")


async def _of_another_slot(redis, key, value):
    await _set(redis, key, value.replace(b':%d"' % BAD, b':%d"' % (BAD + 1)))


async def _of_another_batch(redis, key, value):
    await _set(redis, key, json.dumps({**json.loads(value), "id": "other:3"}))


async def _too_large(redis, key, value):
    await _set(redis, key, b'"' + b"x" * (13 * 1024 * 1024) + b'"')


@pytest.mark.parametrize("damage", [_list, _of_another_slot, _of_another_batch, _too_large])
async def test_what_stands_in_place_of_a_result(producer, store, redis, damage):
    batch = await _ended(producer, store)
    key = keys.result(f"{batch.id}:{BAD}")
    await damage(redis, key, await redis.get(key))
    by_order = [plain(outcome) for outcome in await batch.outcomes()]
    assert by_order == [n if n != BAD else "UnreadableResult" for n in range(N)]
    failed = (await batch.outcomes())[BAD]
    assert (failed.slot, failed.job_id) == (BAD, f"{batch.id}:{BAD}")
    assert key in failed.error.message


async def test_a_result_that_is_gone_is_that_slots_failure(producer, store, redis):
    batch = await _ended(producer, store)
    await redis.delete(*(keys.result(f"{batch.id}:{n}") for n in (0, BAD, N - 1)))
    async with until(10):
        found = [plain(outcome) for outcome in await batch.outcomes()]
    assert found == [n if n not in (0, BAD, N - 1) else "LostResult" for n in range(N)]


@pytest.mark.parametrize("size", [1, 10])
async def test_the_results_of_a_few_jobs_come_with_their_completions(producer, store, redis, size):
    batch = await _ended(producer, store, size)
    await redis.delete(*(keys.result(f"{batch.id}:{n}") for n in range(size)))
    assert [plain(outcome) for outcome in await batch.outcomes()] == list(range(size))


@pytest.mark.parametrize("brought", [b"", b"x", b"{}", b"\xff", b'{"status":"succeeded"}', "of 1"])
async def test_what_a_completion_brings_and_nobody_can_read_is_asked_for(
    producer, store, redis, brought
):
    batch = await _ended(producer, store, 3)
    if brought == "of 1":
        brought = await redis.get(keys.result(f"{batch.id}:1"))
    ((_, fields), *_) = await redis.xrange(keys.done(batch.id))
    await redis.delete(keys.done(batch.id))
    await redis.xadd(keys.done(batch.id), fields | {b"result:0": brought})
    assert await _read(batch) == [0, 1, 2]
    async with until(10):
        assert sorted([plain(each) async for each in batch.as_completed()]) == [0, 1, 2]


async def test_what_completions_bring_is_read_beside_what_they_do_not(producer, store, redis):
    batch = await producer.submit([call("f", n) for n in range(4)])
    attempts = (await claim(store())).attempts
    bad = attempts.pop(2)
    records = [Record(a, "succeeded", succeeded(a), 60) for a in attempts]
    await store().record([*records, Record(bad, "failed", succeeded(bad), 60)])
    await redis.delete(*(keys.result(f"{batch.id}:{n}") for n in range(4)))
    assert [plain(outcome) for outcome in await batch.outcomes()] == [0, 1, "LostResult", 3]


async def test_long_results_and_those_that_did_not_succeed_are_asked_for(producer, store, redis):
    long = "x" * 1024
    batch = await producer.submit([call("f", 0), call("f", long), call("f", 2)])
    short, large, bad = (await claim(store())).attempts
    await _finish(store, short, large)
    await store().record([Record(bad, "failed", succeeded(bad), 60)])
    entries = await redis.xrange(keys.done(batch.id))
    assert [name for _, fields in entries for name in fields if b":" in name] == [b"result:0"]
    assert [plain(outcome) for outcome in await batch.outcomes()] == [0, long, 2]


@pytest.mark.parametrize(
    "entry",
    [
        {"zero": "succeeded"},
        {"0": "zero"},
        {"99": "succeeded"},
        {"9" * 5000: "succeeded"},
        {"-1": "failed"},
        {"1_0": "succeeded"},
        {" 1": "succeeded"},
        {b"\xff\xfe": b"\xff"},
        {"\u0661": "succeeded"},  # a digit to `str`, not to us
        {"": ""},
    ],
)
async def test_an_entry_that_is_not_ours_is_left_out(producer, store, redis, entry):
    batch = await producer.submit([call("f", n) for n in range(N)])
    other = asyncio.create_task((await producer.submit([call("f", 9)])).outcomes())
    await redis.xadd(keys.done(batch.id), entry)
    await serve(store(), N + 1)
    await redis.xadd(keys.done(batch.id), entry)
    assert await _read(batch) == list(range(N))
    assert [plain(each) for each in await other] == [9]
    async with until(10):
        assert not (await batch.wait())[1]


async def test_a_forged_entry_keeps_nobody_waiting(producer, store, redis):
    """Slots 0 and 2 still run, whatever is said."""
    batch = await producer.submit([call("f", n) for n in range(4)])
    attempts = {a.slot: a for a in (await claim(store())).attempts}
    await redis.xadd(keys.done(batch.id), {"0": "succeeded", "2": "failed"})
    handles = batch.handles()
    async with until(20), aclosing(batch.as_completed()) as ended:
        await _finish(store, attempts[1], attempts[3])
        assert {(await anext(ended)).slot, (await anext(ended)).slot} == {1, 3}
        await asyncio.wait([handles[1], handles[3]])
        assert (await batch.wait(timeout=0))[1] == {handles[0], handles[2]}
        by_order = asyncio.create_task(batch.outcomes())
        await redis.xadd(keys.done(batch.id), {"2": "succeeded"})
        await _finish(store, attempts[0], attempts[2])
        assert {(await anext(ended)).slot, (await anext(ended)).slot} == {0, 2}
        assert [plain(each) for each in await by_order] == [0, 1, 2, 3]
        assert await asyncio.gather(*handles) == [0, 1, 2, 3]


async def _finish(store, *attempts):
    await store().record([Record(a, "succeeded", succeeded(a), 60) for a in attempts])


@pytest.mark.parametrize("foreign", ["set", "rpush", "sadd"])
async def test_a_stream_of_another_type_concerns_its_batch_alone(producer, store, redis, foreign):
    batch = await _ended(producer, store)
    other = asyncio.create_task((await producer.submit([call("f", 9)])).outcomes())
    await redis.delete(keys.done(batch.id))
    await getattr(redis, foreign)(keys.done(batch.id), "x")
    reading = asyncio.create_task(_read(batch))
    await asyncio.sleep(0)
    await serve(store(), 1)
    async with until(10):
        assert [plain(each) for each in await other] == [9]
        assert await reading == list(range(N))
        assert not (await batch.wait())[1]


@pytest.mark.parametrize("timeout", [None, 8])
async def test_a_lost_completion_entry_is_found_by_looking(producer, store, redis, timeout):
    batch = await _ended(producer, store)
    await redis.delete(keys.done(batch.id))
    loop = asyncio.get_running_loop()
    began = loop.time()
    found = [plain(each) async for each in batch.as_completed(timeout=timeout)]
    assert sorted(found) == list(range(N))
    assert loop.time() - began < 3
    assert await _read(batch) == list(range(N))
