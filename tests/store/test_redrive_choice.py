"""`Batch.redrive` of chosen slots, or of one error group, and `Batch.keep`, on a real server."""

import asyncio

import pytest

from gatherq import BatchNotFound, Inspector, InvalidCall, Producer, call
from gatherq.contract.keys import KeySpace

from .outcomes import failed, succeeded
from .steps import claim

keys = KeySpace()
#: What each slot of the batch says; nothing where it succeeds.
SAID = ["a", "b 1", "b 2", "", "a"]


@pytest.fixture
async def ended(producer, store):
    """A batch of which four slots have failed, two for each of two reasons."""
    batch = await producer.submit([call("f", n) for n in range(5)], label="five")
    await end(store)
    return batch


async def end(store):
    for attempt in (await claim(store())).attempts:
        said = SAID[attempt.slot]
        await store().record([failed(attempt, said) if said else succeeded(attempt)])


async def queued(store):
    return sorted(attempt.slot for attempt in (await claim(store())).attempts)


async def test_with_nothing_given_all_that_did_not_succeed_runs_again(ended, store):
    assert await ended.redrive() == 4
    assert await queued(store) == [0, 1, 2, 4]


@pytest.mark.parametrize("slots", [[1, 3], {3, 1}, iter([1, 1, 3])])
async def test_of_chosen_slots_those_run_again_that_did_not_succeed(ended, store, slots):
    assert await ended.redrive(slots) == 1
    assert await queued(store) == [1]


async def test_what_a_redrive_changed_is_told(ended, store, server_url, queue):
    """Of two groups one has other errors than before, and the other is gone."""
    await ended.redrive()
    for attempt in (await claim(store())).attempts:
        new = failed(attempt, "c") if attempt.slot < 2 else succeeded(attempt)
        await store().record([failed(attempt, "a") if attempt.slot == 4 else new])
    async with Inspector(server_url, queue=queue) as inspector:
        changes = await inspector.error_changes(ended.id)
    found = [(each.group.text, each.before, each.group.count, each.kind) for each in changes]
    assert found == [
        ("ValueError: c", 0, 2, "new"),
        ("ValueError: a", 2, 1, "fewer"),
        ("ValueError: b #", 2, 0, "went"),
    ]


async def test_no_slots_are_none_and_not_all(ended, store):
    assert await ended.redrive([]) == 0
    assert await queued(store) == []


@pytest.mark.parametrize("length", [8, 5, 2])
async def test_of_an_error_group_its_slots_run_again(ended, store, length):
    outcomes = await ended.outcomes()
    assert outcomes[1].signature == outcomes[2].signature != outcomes[0].signature
    assert await ended.redrive(error=outcomes[1].signature[:length]) == 2
    assert await queued(store) == [1, 2]


async def test_slots_and_error_choose_together(ended, store):
    signature = (await ended.outcomes())[0].signature
    assert await ended.redrive([0, 1], signature.upper()) == 1
    assert await queued(store) == [0]


async def test_a_group_that_no_slot_has_leaves_all_as_it_is(redis, ended, store):
    assert await ended.redrive(error="00000000") == 0
    assert await redis.hget(keys.batch(ended.id), "generation") is None
    assert await queued(store) == []


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"slots": [5]}, IndexError, "this batch has slots 0 to 4, not 5"),
        ({"slots": ["1"]}, TypeError, "a slot is a whole number"),
        ({"error": "xyz"}, ValueError, "error is 1 to 8 hex digits"),
        ({"error": ""}, ValueError, "error is 1 to 8 hex digits"),
        ({"error": "0" * 9}, ValueError, "error is 1 to 8 hex digits"),
        ({"error": 7}, TypeError, "error is the signature of an outcome"),
    ],
)
async def test_bad_choices_say_what_and_which(ended, store, given, error, says):
    with pytest.raises(error, match=says):
        await ended.redrive(**given)
    assert await queued(store) == []


async def test_a_handle_of_a_slot_that_is_not_chosen_keeps_its_outcome(ended, store):
    await ended.redrive([0])
    await end(store)
    handles = ended.handles()
    await asyncio.wait(handles)
    assert [bool(h.exception()) for h in handles] == [True, True, True, False, True]
    outcomes = await ended.outcomes()
    assert [o.attempt for o in outcomes] == [2, 1, 1, 1, 1]


async def test_an_outcome_of_an_earlier_version_has_no_signature(redis, ended):
    raw = await redis.get(keys.result(f"{ended.id}:0"))
    signature = (await ended.outcomes())[0].signature
    older = raw.replace(b',"sig":"%s"' % signature.encode(), b"")
    assert older != raw
    await redis.set(keys.result(f"{ended.id}:0"), older, keepttl=True)
    assert (await ended.outcomes())[0].signature == ""
    assert await ended.redrive(error=signature) == 1


async def test_a_batch_stays_for_another_time(redis, ended):
    await ended.keep(7 * 86_400, by="me")
    assert 7 * 86_400 <= await redis.ttl(keys.result(f"{ended.id}:4")) <= 8 * 86_400
    await ended.keep(60)
    assert 60 <= await redis.ttl(keys.batch(ended.id)) <= 68


async def test_a_batch_that_runs_stays_for_that_time_after_its_end(redis, producer, store):
    batch = await producer.submit([call("f")])
    await batch.keep(60)
    assert await redis.ttl(keys.batch(batch.id)) > 3600
    (attempt,) = (await claim(store())).attempts
    assert (await store().record([succeeded(attempt)])).to_extend == [batch.id]


async def test_a_batch_that_is_gone_is_not_kept(ended):
    with pytest.raises(InvalidCall, match="keep takes"):
        await ended.keep(0)
    await ended.delete(by="me")
    for verb in (ended.keep(60), ended.redrive(), ended.redrive([]), ended.redrive(error="0")):
        with pytest.raises(BatchNotFound):
            await verb


async def test_who_did_it_is_in_the_events(redis, ended, queue):
    await ended.redrive(by="the shell")
    await ended.keep(60, by="the page")
    await ended.delete(by="the cook")
    found = [fields for _, fields in await redis.xrange(KeySpace(queue).events)]
    told = [(f[b"event"], f[b"by"], f[b"n"]) for f in found[2:]]
    assert told == [
        (b"redriven", b"the shell", b"4"),
        (b"kept", b"the page", b"5"),
        (b"deleted", b"the cook", b"5"),
    ]


async def test_each_verb_says_what_it_is(redis, server_url, queue, store):
    async def kinds():
        found = set()
        # Others test other types.
        async for key in redis.scan_iter(keys.batch("*"), 10_000, "hash"):
            kind, label, at = await redis.hmget(key, "kind", "label", "queue")
            if at == queue.encode():
                found.add((kind, label))
        return found

    calls = [call("f", 1)]
    async with Producer(server_url, queue=queue) as producer:
        await producer.submit(calls, label="s")
        await producer.submit_one(calls[0])
        waiting = [
            asyncio.ensure_future(producer.gather(*calls, label="g")),
            asyncio.ensure_future(anext(producer.map("f", [1], label="m"))),
        ]
        async with producer.task_group(label="t") as group:
            group.create_task(calls[0])
            attempts = []
            while len(attempts) < 5:
                attempts += (await claim(store())).attempts
                await asyncio.sleep(0)
            await store().record([succeeded(a) for a in attempts])
        await asyncio.gather(*waiting)
    assert await kinds() == {
        (b"submit", b"s"),
        (b"submit_one", None),
        (b"gather", b"g"),
        (b"map", b"m"),
        (b"task_group", b"t"),
    }


@pytest.mark.parametrize("label", ["", 7, "a\nb", "x" * 201])
async def test_a_label_is_checked_before_anything_is_written(redis, producer, queue, label):
    for verb in (producer.submit, producer.gather):
        with pytest.raises(InvalidCall, match="label must be"):
            await verb(*([[]] if verb == producer.submit else []), label=label)
    for verb in (producer.task_group, lambda label: producer.map("f", [1], label=label)):
        with pytest.raises(InvalidCall, match="label must be"):
            verb(label=label)
    assert await redis.zcard(queue) == 0
