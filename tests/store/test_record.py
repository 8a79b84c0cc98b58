"""The record of a batch on a real server: what lists it, counts its errors and tells of it."""

import json
from functools import partial

import pytest

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.remote_errors.error_groups import group_of
from gatherq_worker.engine.conclusion import verdicts

from .outcomes import failed, recorded, succeeded
from .steps import claim, claim_all, record

keys = KeySpace()
ORIGIN = BatchOrigin("submit", "nightly", by="host.7", parent="b:1").of(["f", "g", "f"])


@pytest.fixture
def listed(asks, batch):
    """Submit a batch that the index lists."""

    async def listed(size=3, origin=ORIGIN, first=0, named=False, **options):
        wait = options.get("queue_timeout")
        jobs = [records.encode_job(call("f", n), batch, n, None, wait) for n in range(first, size)]
        given = {"options": BatchOptions(**options), "origin": origin}
        sums = digests(jobs) if named else b""
        await asks.submit(batch, size, 3600, first, jobs, digests=sums, life="l", **given)

    return listed


@pytest.fixture
def events(redis, queue):
    """Return the events of the queue so far, each as a dict."""

    async def events():
        found = await redis.xrange(KeySpace(queue).events)
        return [{k.decode(): v.decode() for k, v in fields.items()} for _, fields in found]

    return events


@pytest.fixture
def errors(redis, batch):
    """Return the error groups of the batch."""

    async def errors():
        found = await redis.hgetall(keys.errors(batch))
        return {field.decode(): value.decode() for field, value in found.items()}

    return errors


async def facts(redis, batch):
    found = await redis.hgetall(keys.batch(batch))
    return {field.decode(): value.decode() for field, value in found.items()}


async def test_a_batch_says_where_it_comes_from(redis, listed, batch):
    await listed()
    found = await facts(redis, batch)
    assert found["kind"] == "submit"
    assert found["label"] == "nightly"
    assert found["names"] == '{"f":2,"g":1}'
    assert (found["by"], found["parent"]) == ("host.7", "b:1")


async def test_it_begins_with_the_first_claim_and_ends_with_the_last_outcome(
    redis, listed, store, batch
):
    await listed(2)
    assert not {"started", "ended"} & (await facts(redis, batch)).keys()
    (first,) = (await claim(store(), 1)).attempts
    started = (await facts(redis, batch))["started"]
    await redis.hset(keys.batch(batch), "started", int(started) - 5)
    await store().record([record(first)])
    (second,) = (await claim(store(), 1)).attempts
    assert "ended" not in await facts(redis, batch)
    await store().record([record(second)])
    found = await facts(redis, batch)
    assert int(found["started"]) == int(started) - 5
    assert int(started) <= int(found["ended"]) <= (await claim(store())).now


async def test_a_redrive_begins_a_generation_and_it_ends_once_more(
    redis, listed, asks, store, batch
):
    await listed(2)
    for generation in (0, 1, 2):
        attempts = (await claim(store())).attempts
        await store().record([failed(a) for a in attempts])
        found = await facts(redis, batch)
        assert found.get("generation", "0") == str(generation)
        assert "ended" in found
        assert await asks.run_again(batch) == 2
        assert "ended" not in await facts(redis, batch)


async def test_a_redrive_of_nothing_is_no_generation(redis, listed, asks, store, batch, events):
    await listed(1)
    await store().record([succeeded(a) for a in (await claim(store())).attempts])
    assert await asks.run_again(batch) == 0
    assert "generation" not in await facts(redis, batch)
    assert [e["event"] for e in await events()] == ["submitted", "ended"]


@pytest.mark.parametrize(
    ("kind", "size", "listing"),
    [
        ("submit", 1, True),
        ("gather", 10, True),
        ("gather", 9, False),
        ("task_group", 20, False),
        ("", 20, False),
    ],
)
async def test_the_index_has_what_was_submitted_as_a_batch(
    redis, listed, asks, batch, queue, events, kind, size, listing
):
    await listed(size, BatchOrigin(kind))
    index, created = KeySpace(queue).batch_index, (await facts(redis, batch))["created"]
    assert await redis.zscore(index, batch) == (int(created) if listing else None)
    assert (await redis.pttl(index) > 0) == listing
    await asks.cancel(batch, None, "me")
    assert [e["event"] for e in await events()] == ["submitted", "cancelled", "ended"] * listing
    await asks.remove(batch)
    assert await redis.zscore(index, batch) is None


async def test_the_index_keeps_the_newest(redis, listed, batch, queue):
    index = KeySpace(queue).batch_index
    await redis.zadd(index, {f"old{n}": n for n in range(10_000)})
    await listed()
    assert await redis.zcard(index) == 10_000
    assert await redis.zrank(index, "old0") is None
    assert await redis.zrank(index, batch) == 9_999


async def test_a_chunk_that_is_repeated_or_follows_submits_nothing_more(
    redis, listed, queue, events
):
    for first in (0, 0, 2):
        await listed(4, first=first)
    assert [e["event"] for e in await events()] == ["submitted"]


async def test_events_tell_the_life_of_a_batch(redis, listed, asks, store, batch, queue, events):
    await listed()
    attempts = (await claim(store())).attempts
    await store().record([failed(attempts[0]), *map(succeeded, attempts[1:])])
    await asks.run_again(batch)
    await asks.cancel(batch, None, "the cook")
    await asks.extend(batch, 60.0, "the shell")
    await asks.remove(batch)
    about = {"batch": batch}
    assert await events() == [
        {"event": "submitted", **about, "by": "host.7", "n": "3"},
        {"event": "ended", **about, "n": "3", "state": "failed"},
        {"event": "redriven", **about, "by": "producer", "n": "1"},
        {"event": "cancelled", **about, "by": "the cook", "n": "1"},
        {"event": "ended", **about, "n": "3", "state": "cancelled"},
        {"event": "kept", **about, "by": "the shell", "n": "3"},
        {"event": "deleted", **about, "by": "producer", "n": "3"},
    ]
    assert 6 * 86_400 < await redis.ttl(KeySpace(queue).events) <= 7 * 86_400


async def test_a_batch_in_which_all_succeed_has_succeeded(listed, store, events):
    await listed()
    await store().record([succeeded(a) for a in (await claim(store())).attempts])
    assert (await events())[-1]["state"] == "succeeded"


async def test_a_batch_in_which_something_failed_has_failed_though_it_was_cancelled(
    listed, asks, store, batch, events
):
    await listed()
    (attempt,) = (await claim(store(), 1)).attempts
    await store().record([failed(attempt)])
    await asks.cancel(batch, None, "me")
    assert (await events())[-1]["state"] == "failed"


async def test_slots_that_are_cancelled_are_an_event(listed, asks, store, batch, events):
    await listed()
    await claim(store(), 1)
    await asks.cancel(batch, [0, 1], "me")
    assert (await events())[1:] == [{"event": "cancelled", "batch": batch, "by": "me", "n": "2"}]


async def test_what_has_ended_is_not_cancelled_by_an_event(listed, asks, store, batch, events):
    await listed(1)
    await store().record([record(a) for a in (await claim(store())).attempts])
    before = await events()
    await asks.cancel(batch, [0], "me")
    assert await events() == before


async def test_of_a_batch_that_is_not_listed_no_event_tells(listed, asks, store, batch, events):
    await listed(3, BatchOrigin("task_group"))
    await asks.cancel(batch, [0], "me")
    await asks.extend(batch, 10 * 86_400)
    await store().record([record(a) for a in (await claim(store())).attempts])
    await asks.run_again(batch)
    assert await events() == []


async def test_a_large_batch_that_is_kept_is_one_event(listed, asks, batch, events):
    await listed(501)
    await asks.extend(batch, 10 * 86_400)
    assert [event["event"] for event in await events()] == ["submitted", "kept"]


async def test_the_end_of_tolerance_is_a_cancellation(listed, store, batch, events):
    await listed(tolerate=0)
    (first, *_) = (await claim(store())).attempts
    await store().record([failed(first)])
    assert (await events())[1:] == [
        {"event": "cancelled", "batch": batch, "by": "policy", "n": "2"}
    ]


async def test_members_that_cannot_be_jobs_are_an_event(redis, store, queue, events):
    await redis.zadd(queue, {b"\xff": 1, b"\xfe": 2})
    await claim(store())
    assert await events() == [{"event": "quarantined", "n": "2"}]


async def test_a_batch_of_no_jobs_has_ended(redis, listed, batch, events):
    await listed(0)
    assert "ended" in await facts(redis, batch)
    assert [e["event"] for e in await events()] == ["submitted", "ended"]


async def test_error_groups_are_counted_once_a_slot(redis, listed, store, batch, errors):
    await listed(4)
    attempts = (await claim(store())).attempts
    outcomes = [failed(attempts[0], "id 1"), succeeded(attempts[1])]
    for _ in range(2):  # its reply was lost
        await store().record(outcomes)
    await store().record([failed(attempts[2], "id 2"), failed(attempts[3], "other")])
    one, other = outcomes[0].group, failed(attempts[3], "other").group
    found = await errors()
    assert found["groups"] == f"{one.sig} {other.sig}"
    assert (found[one.sig], found[other.sig]) == ("2", "1")
    assert (found[f"{one.sig}:slot"], found[f"{other.sig}:slot"]) == ("0", "3")
    told = {"text": "ValueError: id #", "where": "", "status": "failed", "name": "f"}
    assert json.loads(found[f"{one.sig}:text"]) == told
    left = await redis.pttl(keys.batch(batch)) - await redis.pttl(keys.errors(batch))
    assert abs(left) < 100


async def test_a_group_that_comes_back_counts_from_its_new_first_slot(
    listed, asks, store, batch, errors
):
    await listed(2)
    first, second = (await claim(store())).attempts
    await store().record([failed(first), succeeded(second)])
    sig = failed(first).group.sig
    await asks.run_again(batch)
    assert (await errors())[sig] == "0"
    await store().record([failed(a) for a in (await claim(store())).attempts])
    found = await errors()
    assert (found[sig], found[f"0|{sig}"], found["groups"]) == ("1", "1", sig)


async def test_groups_that_redis_has_lost_do_not_come_back_by_a_redrive(
    redis, listed, asks, store, batch, errors
):
    await listed(1)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    await redis.delete(keys.errors(batch))
    await asks.run_again(batch)
    assert await errors() == {"groups": "", "other": "0"}


async def test_a_result_that_is_gone_takes_nothing_from_the_groups(
    redis, listed, asks, store, batch, errors
):
    await listed(1)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    await redis.hset(keys.errors(batch), "other", 3)
    before = await errors()
    await redis.delete(keys.result(job_id(batch, 0)))
    assert await asks.run_again(batch) == 1
    assert {field: n for field, n in (await errors()).items() if "|" not in field} == before


async def test_generations_can_be_compared(listed, asks, store, batch, errors):
    await listed(3)
    for messages in (["a", "a", "b"], ["a", "c", "c"], ["a", "a", "a"]):
        attempts = sorted((await claim(store())).attempts, key=lambda a: a.slot)
        outcomes = [failed(a, m) for a, m in zip(attempts, messages, strict=True)]
        await store().record(outcomes)
        await asks.run_again(batch)
    a, b, c = (failed(attempts[0], m).group.sig for m in "abc")
    kept = {field: n for field, n in (await errors()).items() if "|" in field}
    assert kept == {f"0|{a}": "2", f"0|{b}": "1", f"1|{a}": "1", f"1|{c}": "2", f"2|{a}": "3"}


async def test_old_generations_are_forgotten(listed, asks, store, batch, errors):
    await listed(1)
    for _ in range(12):
        (attempt,) = (await claim(store())).attempts
        await store().record([failed(attempt)])
        await asks.run_again(batch)
    kept = {int(field.partition("|")[0]) for field in await errors() if "|" in field}
    assert kept == set(range(2, 12))


async def test_further_groups_are_counted_together(listed, asks, store, batch, errors):
    await listed(203)
    names = [f"no {'x' * n}" for n in range(203)]
    attempts = await claim_all(store(), 250)
    await store().record([failed(a, m) for a, m in zip(attempts, names, strict=True)])
    found = await errors()
    assert len(found["groups"].split()) == 200
    assert found["other"] == "3"
    assert sum(int(n) for field, n in found.items() if len(field) == 8 and field != "groups") == 200
    await asks.run_again(batch)
    found = await errors()
    assert (found["other"], found["0|other"]) == ("0", "3")
    assert {found[sig] for sig in found["groups"].split()} == {"0"}


async def test_what_is_deleted_or_kept_has_its_errors_deleted_or_kept(
    redis, listed, asks, store, batch
):
    await listed(1)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    await asks.extend(batch, 10 * 86_400)
    for key in (keys.batch(batch), keys.errors(batch), keys.result(job_id(batch, 0))):
        assert 10 * 86_400 <= await redis.ttl(key) <= 12 * 86_400
    await asks.run_again(batch)  # it extends the batch, by the time that it is to stay now
    assert await redis.ttl(keys.batch(batch)) > 10 * 86_400
    await asks.remove(batch)
    assert await redis.exists(keys.errors(batch)) == 0


async def test_another_batch_of_the_name_has_errors_of_its_own(redis, listed, store, batch):
    await listed(1, named=True)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    await redis.delete(keys.batch(batch))
    await listed(1, named=True)
    assert await redis.exists(keys.errors(batch)) == 0


def python_group(raw):
    """Return the group that Python makes of a result."""
    outcome = records.decode_result(raw)
    fields = {name: getattr(outcome, name) for name in outcome.__match_args__}
    return group_of(outcome.status, fields, [dict(info) for info in outcome.history])


async def check_signatures(asks, batch, errors, slots):
    """Each of these slots has a signature that Python would have made, and is counted by it."""
    found, counted = await errors(), {}
    for raw in await asks.results(batch, slots):
        group, outcome = python_group(raw), records.decode_result(raw)
        assert outcome.signature == group.sig
        told = json.loads(found[f"{group.sig}:text"])
        assert (told["text"], told["where"]) == (group.text, group.where)
        assert (told["status"], told["name"]) == (outcome.status, outcome.name)
        counted[group.sig] = counted.get(group.sig, 0) + 1
    assert {sig: int(found[sig]) for sig in found["groups"].split()} == counted


@pytest.mark.parametrize("by", ["me", 'a "b" \\ c', "é", "x" * 600, "a\nb", "\x1b[31m"])
async def test_the_signature_of_what_is_cancelled_in_the_queue_is_pythons(
    listed, asks, batch, errors, by
):
    await listed()
    await asks.cancel(batch, [1], by)
    await asks.cancel(batch, None, "the rest")
    await check_signatures(asks, batch, errors, range(3))


@pytest.mark.parametrize("limit", [0.05, 1.0, 1234567.891, 0.1 + 0.2])
@pytest.mark.parametrize("which", ["queue_timeout", "deadline"])
async def test_the_signature_of_what_is_late_in_the_queue_is_pythons(
    listed, asks, batch, errors, pass_time, which, limit
):
    await listed(2, **{which: limit})
    await pass_time(limit + 1)
    await asks.sweep(batch, force=True)
    await check_signatures(asks, batch, errors, range(2))


async def test_the_signature_of_what_is_lost_is_pythons(redis, listed, asks, batch, errors):
    await listed(2)
    for slot in range(2):
        await redis.delete(keys.job(job_id(batch, slot)))
        await redis.zrem(keys.queue, job_id(batch, slot))
    await redis.delete(asks.keys.queue)
    await asks.mend(batch, range(2), -1)
    await check_signatures(asks, batch, errors, range(2))


@pytest.fixture
def never_submitted(listed, asks, batch, errors):
    """Have a slot end before it is written; return its group, and what writes it after all."""

    async def never_submitted():
        jobs = [records.encode_job(call("f", n), batch, n, None) for n in range(2)]
        sums = digests(jobs)
        half = {"options": BatchOptions(), "origin": ORIGIN, "life": "l"}
        await asks.submit(batch, 2, 3600, 0, jobs[:1], digests=sums[:8], **half)
        await asks.mend(batch, [1], -1)
        await asks.mend(batch, [1], 1)
        (sig,) = (await errors())["groups"].split()
        return sig, partial(asks.submit, batch, 2, 3600, 1, jobs[1:], digests=sums[8:], **half)

    return never_submitted


async def test_what_was_never_submitted_is_counted_until_it_is(
    never_submitted, asks, batch, errors
):
    sig, write = await never_submitted()
    await check_signatures(asks, batch, errors, [1])
    await write()
    assert (await errors())[sig] == "0"


async def test_a_slot_whose_result_names_no_group_is_written_after_all(
    redis, never_submitted, batch, errors
):
    sig, write = await never_submitted()
    result = keys.result(job_id(batch, 1))
    await redis.set(result, (await redis.get(result)).replace(b'"sig"', b'"old"'), keepttl=True)
    assert (await write()).differs == -1
    assert (await errors())[sig] == "1"


@pytest.mark.parametrize("verdict", ["cancelled", "timed_out", "lost"])
async def test_a_worker_counts_each_kind_of_outcome(listed, asks, store, batch, errors, verdict):

    made = {
        "cancelled": verdicts.cancelled("me"),
        "timed_out": verdicts.timed_out("execution", 2.0),
        "lost": verdicts.lost(2),
    }
    await listed(1)
    (attempt,) = (await claim(store())).attempts
    await store().record([recorded(made[verdict], attempt)])
    await check_signatures(asks, batch, errors, [0])


async def test_when_a_batch_ended_stays_noted_whoever_asks_for_it_later(
    redis, listed, asks, store, batch
):
    await listed(2)
    await store().record([failed(a) for a in (await claim(store())).attempts])
    ended = await redis.hget(keys.batch(batch), "ended")
    assert ended
    assert await asks.cancel(batch, None, "me") == 0
    assert await redis.hget(keys.batch(batch), "ended") == ended


async def test_junk_in_the_record_gives_way(redis, listed, asks, store, batch, queue, errors):
    own = KeySpace(queue)
    for key in (own.events, own.batch_index, keys.errors(batch)):
        await redis.set(key, "junk")
    await listed(1)
    (attempt,) = (await claim(store())).attempts
    await store().record([failed(attempt)])
    assert await redis.zscore(own.batch_index, batch)
    assert await redis.xlen(own.events) == 2
    sig = failed(attempt).group.sig
    assert (await errors())[sig] == "1"
    await redis.hset(keys.errors(batch), mapping={sig: "x", "groups": b"\xff", "other": "-1"})
    await asks.run_again(batch)
    assert (await errors())[f"{sig}:slot"] == "0"
    (attempt,) = (await claim(store())).attempts
    await store().record([failed(attempt)])
    assert (await errors())[sig] == "1"


async def test_a_stream_whose_ids_are_exhausted_begins_anew(redis, listed, queue, events):
    await redis.xadd(KeySpace(queue).events, {"event": "x"}, id="18446744073709551615-" + "1" * 19)
    await redis.xadd(KeySpace(queue).events, {"event": "x"}, id=f"18446744073709551615-{2**64 - 1}")
    await listed()
    assert [e["event"] for e in await events()] == ["submitted"]


async def test_completions_begin_anew_in_a_stream_whose_ids_are_exhausted(
    redis, listed, asks, store, batch
):
    await listed(1)
    (attempt,) = (await claim(store())).attempts
    await redis.xadd(keys.done(batch), {"x": "y"}, id=f"{2**64 - 1}-{2**64 - 1}")
    assert (await store().record([failed(attempt)])).replies == ["recorded"]
    assert (await asks.completions.read(batch, b"0"))[1] == [(0, "failed")]
