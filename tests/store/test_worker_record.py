"""What a worker tells of itself and of its jobs, on a real server."""

import json
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from gatherq import call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.statistics import JobStatistics, decode
from gatherq.contract.worker_record import Beat, SignOff, WorkerNews, WorkerRecord
from gatherq.store.jobs import JobStore

from .steps import LEASE, claim, pass_time

RECORD = WorkerRecord.of_this_process("q", ["f"], 5.0, {"loop": 9})
FIELDS = {"seq": "0", "state": "running", "running": 1, "jobs": "[]"}
#: Of each name so many jobs succeeded, in 100 ms each.
JOBS = [["f", 1, 2, 7, 200, 14, 2], ["g", 1, 1]]


@pytest.fixture
def keys(queue):
    return KeySpace(queue)


@pytest.fixture
def name(queue):
    """Name a worker of this test: its record is of no queue."""
    return f"w-{queue}"


@pytest.fixture
def store(redis, keys, name):
    return lambda: JobStore(redis, keys, name, LEASE)


@pytest.fixture
def minutes(redis, keys):
    """Return the keys of minutes, or of hours, that have statistics."""

    async def minutes(of="[0-9]*"):
        return [key.decode() async for key in redis.scan_iter(keys.statistics(of), 10_000)]

    return minutes


@pytest.fixture
def totals(redis, keys, minutes):
    """Return the totals by name; minutes and hours say the same."""

    async def totals():
        found = await _read(redis, keys.totals)
        for of in ("[0-9]*", "h*"):
            total: dict[str, JobStatistics] = {}
            for key in await minutes(of):
                for name, more in (await _read(redis, key)).items():
                    total[name] = total.get(name, JobStatistics()) + more
            assert total == found
        return found

    return totals


@pytest.fixture
def events(redis, keys):
    async def events():
        found = await redis.xrange(keys.events)
        return [{k.decode(): v.decode() for k, v in fields.items()} for _, fields in found]

    return events


async def _read(redis, key):
    return {name.decode(): decode(raw) for name, raw in (await redis.hgetall(key)).items()}


def told(seq="1", *events, jobs=JOBS):
    return WorkerNews(seq, events, jobs).encode()


def beat(news=b"", **fields):
    return Beat(FIELDS | fields, news)


async def test_a_beat_writes_the_record_and_says_when(redis, store, keys, name):
    renewal = await store().renew([], beat=beat(state="blocked", blocked_by="b:1 jobs.py:3 in f"))
    found = await redis.hgetall(keys.worker(name))
    assert found == {
        b"seen": b"%d" % renewal.now,
        b"seq": b"0",
        b"running": b"1",
        b"jobs": b"[]",
        b"state": b"blocked",
        b"blocked_by": b"b:1 jobs.py:3 in f",
    }
    assert 55_000 < await redis.pttl(keys.worker(name)) <= 60_000


async def test_a_record_that_is_there_is_kept_by_its_announcements(redis, store, keys, name):
    worker = store()
    await worker.announce(RECORD)
    await redis.pexpire(keys.worker(name), 5_000)
    await worker.renew([], beat=beat())
    assert await redis.pttl(keys.worker(name)) > 55_000  # its fields are new
    await redis.pexpire(keys.worker(name), 5_000)
    await worker.renew([], beat=beat())
    assert 0 < await redis.pttl(keys.worker(name)) <= 5_000


async def test_claims_are_renewed_beside_it_and_the_first_chunk_tells(
    redis, store, submit, keys, name
):
    await submit(300)
    worker = store()
    attempts = (await claim(worker, 300)).attempts
    renewal = await worker.renew(attempts, beat=beat(told()))
    assert renewal.lost == []
    left = [await redis.pttl(keys.in_progress(a.job_id)) for a in attempts]
    assert all(0 < each <= LEASE * 1000 for each in left)
    assert await redis.hget(keys.worker(name), "state") == b"running"


async def test_a_renewal_without_a_beat_leaves_the_record_alone(redis, store, keys, name):
    await store().renew([])
    assert await redis.exists(keys.worker(name)) == 0


async def test_who_is_not_to_be_listed_is_not(redis, store, keys, name):
    await store().renew([], sign=False)
    assert await redis.zscore(keys.workers, name) is None


async def test_news_are_taken_once(store, totals, events, redis, minutes, keys, name):
    worker, noted = store(), ("worker_blocked", "job", "b:1", "where", "jobs.py:3 in f")
    await worker.renew([], beat=beat())
    for seq in ("1", "1", "2", "2"):
        await worker.renew([], beat=beat(told(seq, noted), seq=seq))
    assert await events() == 2 * [
        {"event": "worker_blocked", "worker": name, "job": "b:1", "where": "jobs.py:3 in f"}
    ]
    found = await totals()
    assert (found["f"].succeeded, found["f"].run_ms, found["g"].succeeded) == (4, 400, 2)
    assert found["f"].run[5] == 4
    assert 29 * 86_400_000 < await redis.pttl(keys.totals) <= 30 * 86_400_000
    for minute in await minutes():
        assert 24 * 3_600_000 < await redis.pttl(minute) <= 25 * 3_600_000
    for hour in await minutes("h*"):
        assert 29 * 86_400_000 < await redis.pttl(hour) <= 30 * 86_400_000


async def test_news_that_nobody_can_tell_from_taken_ones_are_dropped(
    redis, store, totals, keys, name
):
    worker = store()
    await worker.renew([], beat=beat(told()))
    assert await totals() == {}
    await redis.delete(keys.worker(name))
    await worker.renew([], beat=beat(told(), seq="1"))
    assert await totals() == {}
    await worker.renew([], beat=beat(told("2"), seq="2"))
    assert (await totals())["g"].succeeded == 1


@asynccontextmanager
async def user(redis, *rights):
    """A client of a user with these rights."""
    await redis.execute_command("ACL", "SETUSER", "teller", "reset", "on", "nopass", *rights)
    kwargs = redis.connection_pool.connection_kwargs
    given = {"username": "teller", "password": "x"}
    async with Redis(host=kwargs["host"], port=kwargs["port"], **given) as me:
        yield me
    await redis.execute_command("ACL", "DELUSER", "teller")


async def test_news_are_dropped_where_the_record_cannot_be_written(
    redis, store, keys, events, name
):
    await store().renew([], beat=beat())
    async with user(redis, "~*", "&*", "+@all", "-hset") as me:
        worker = JobStore(me, keys, name, LEASE)
        await worker.renew([], beat=beat(told("1", ("worker_blocked",)), seq="1"))
    assert await events() == []


@pytest.mark.parametrize("junk", [b"{", b"\xff", b"[" * 2000, b'{"seq":"\\ud800"}'])
async def test_junk_in_place_of_news_costs_no_renewal(redis, store, submit, junk):
    await submit()
    worker = store()
    await worker.renew([], beat=beat())
    attempts = (await claim(worker)).attempts
    assert (await worker.renew(attempts, beat=beat(junk))).lost == []


@pytest.mark.parametrize(
    "junk",
    [
        *(b"", b"1", b"\xff" * 60, b"\xdc\x00\x2c", b"\x92\x01\x02", b"x" * 100_000, b"\xc1"),
        b"\xdc\x00\x2d" + b"\x01" * 45,
    ],
)
async def test_a_vector_that_is_junk_counts_as_nothing(redis, store, totals, minutes, keys, junk):
    worker = store()
    await worker.renew([], beat=beat())
    await worker.renew([], beat=beat(told(), seq="1"))
    for key in (keys.totals, *await minutes()):
        await redis.hset(key, "f", junk)
    await worker.renew([], beat=beat(told("2"), seq="2"))
    found = await _read(redis, keys.totals)
    assert (found["f"].succeeded, found["g"].succeeded) == (2, 2)


@pytest.mark.parametrize(
    "cell",
    [
        *(b"\xff", b"\xca\x7f\x80\x00\x00", b"\xca\x3f\xc0\x00\x00", b"\xa1x", b"\xc0"),
        *(b"\xcf" + b"\xff" * 8, b"\xcf\x0f" + b"\xff" * 7),
    ],
)
async def test_a_number_that_is_none_counts_as_nothing(redis, store, keys, cell):
    worker = store()
    await worker.renew([], beat=beat())
    await redis.hset(keys.totals, "f", b"\xdc\x00\x2c" + b"\x01" * 43 + cell)
    await worker.renew([], beat=beat(told(), seq="1"))
    assert (await _read(redis, keys.totals))["f"].succeeded == 2


@pytest.mark.parametrize("of", ["totals", "minute", "events", "worker"])
async def test_a_key_of_another_type_gives_way(redis, store, keys, of, events, name):
    worker = store()
    await worker.renew([], beat=beat())
    seconds, _ = await redis.time()
    named = {"totals": keys.totals, "events": keys.events, "worker": keys.worker(name)}
    for key in (
        [keys.statistics(str(seconds // 60 + n)) for n in (0, 1)] if of == "minute" else [named[of]]
    ):
        await redis.set(key, "x")
    for seq in ("1", "2"):
        await worker.renew([], beat=beat(told(seq, ("worker_blocked",)), seq=seq))
    assert (await _read(redis, keys.totals))["f"].succeeded == (2 if of == "worker" else 4)
    assert len(await events()) == (1 if of == "worker" else 2)
    assert await redis.hget(keys.worker(name), "seq") == b"2"


async def test_beyond_500_names_a_new_one_is_unknown(store, totals):
    worker = store()
    await worker.renew([], beat=beat())
    await worker.renew([], beat=beat(told(jobs=[[f"f{n}", 1, 1] for n in range(500)]), seq="1"))
    more = [["f7", 1, 1], ["new", 1, 2], ["newer", 2, 3]]
    await worker.renew([], beat=beat(told("2", jobs=more), seq="2"))
    found = await totals()
    assert len(found) == 501
    assert found["f7"].succeeded == 2
    assert (found["<unknown>"].succeeded, found["<unknown>"].failed) == (2, 3)


async def test_what_ends_in_the_queue_is_counted(redis, asks, batch, queue, totals):
    jobs = [records.encode_job(call("fg"[n % 2], n), batch, n, None) for n in range(6)]
    await asks.submit(batch, 6, 3600, 0, jobs)
    await redis.delete(KeySpace(queue).job(job_id(batch, 4)))
    await redis.zrem(queue, job_id(batch, 4))
    await asks.mend(batch, range(6), -1)
    await asks.cancel(batch, [0], "me")
    await asks.cancel(batch, None, "me")
    await asks.sweep(batch, force=True)
    assert await totals() == {
        "f": JobStatistics(cancelled=2),
        "g": JobStatistics(cancelled=3),
        "<unknown>": JobStatistics(failed=1),
    }


async def test_a_name_too_long_for_statistics_is_unknown(asks, batch, totals):
    jobs = [records.encode_job(call("f" * 1025), batch, 0, None)]
    await asks.submit(batch, 1, 3600, 0, jobs)
    await asks.cancel(batch, [0], "me")
    assert await totals() == {"<unknown>": JobStatistics(cancelled=1)}


async def test_what_a_claim_ends_is_counted(redis, asks, store, batch, queue, totals):
    jobs = [records.encode_job(call("f", n), batch, n, None, 60.0) for n in range(3)]
    options = BatchOptions(queue_timeout=60.0)
    await asks.submit(batch, 3, 3600, 0, jobs, options=options)
    await pass_time(redis, queue, batch, 70)
    assert (await claim(store())).attempts == []
    assert await totals() == {"f": JobStatistics(timed_out=3)}


async def test_a_start_is_noted_once(redis, store, events, keys, name):
    worker = store()
    began = await worker.announce(RECORD)
    await worker.announce(RECORD)
    await redis.delete(keys.worker(name))  # Redis has lost it
    await worker.announce(RECORD, began)
    assert await events() == [{"event": "worker_started", "worker": name}]


@pytest.mark.parametrize("known", ["listed", "recorded"])
async def test_an_end_is_noted_of_whoever_was_known(store, events, name, known):
    worker = store()
    if known == "listed":
        await worker.renew([])
    else:
        await worker.announce(RECORD)
    await worker.sign_off(SignOff(("worker_drained",)))
    assert (await events())[-1] == {"event": "worker_drained", "worker": name}


async def test_an_end_is_noted_once_with_the_last_news(redis, store, keys, totals, events, name):
    worker = store()
    await worker.renew([], beat=beat())
    for _ in range(2):
        await worker.sign_off(SignOff(("worker_recycled", "why", "enough"), told()))
    await worker.sign_off(SignOff(("worker_died", "how", "SIGKILL"), told("supervisor1")))
    assert await events() == [{"event": "worker_recycled", "worker": name, "why": "enough"}]
    assert (await totals())["f"].succeeded == 2
    assert await redis.exists(keys.worker(name), keys.workers) == 0


async def test_news_on_their_way_when_the_worker_signs_off_are_taken_once(store, totals):
    worker = store()
    await worker.renew([], beat=beat())
    await worker.sign_off(SignOff(news=told()))
    await worker.renew([], beat=beat(told(), seq="1"))
    assert (await totals())["f"].succeeded == 2


@pytest.fixture
async def denied(redis, server_url, queue):
    """A worker that may touch what it needs, and nothing that only tells of it."""
    rights = ["+@all", "~arq:*", "~test:*", f"~{queue}", "&*"]
    rights += [f"~gatherq:{of}:*" for of in ("workers", "cancel", "batch", "done", "wake")]
    rights += [f"~gatherq:{of}:*" for of in ("attempts", "quarantine", "digests")]
    async with user(redis, *rights) as me:
        yield me


async def test_who_may_not_write_a_record_loses_that_alone(
    redis, denied, queue, submit, keys, name
):
    await submit(2)
    worker = JobStore(denied, keys, name, LEASE)
    attempts = (await claim(worker)).attempts
    for seq in ("1", "2"):
        renewal = await worker.renew(attempts, beat=beat(told(seq, ("worker_blocked",)), seq=seq))
        assert (renewal.lost, renewal.cancelled) == ([], {})
    assert await redis.zscore(keys.workers, name)
    await worker.sign_off(SignOff(news=told("3")))
    assert await redis.zscore(keys.workers, name) is None
    assert await redis.exists(keys.worker(name), keys.totals, keys.events) == 0


async def test_who_may_not_write_statistics_has_its_queued_jobs_ended(
    redis, denied, asks, submit, batch, keys
):
    await submit(3)
    ours = type(asks)(denied, keys)
    assert await ours.cancel(batch, [0], "me") == 1
    assert await ours.cancel(batch, None, "me") == 2
    assert await redis.exists(keys.totals, keys.events) == 0


async def test_the_jobs_of_a_record_are_json(redis, store, keys, name):
    jobs = [{"id": "b:1", "progress": {"done": 1, "total": None, "note": "é\\n"}}]
    await store().renew([], beat=beat(jobs=json.dumps(jobs)))
    assert json.loads(await redis.hget(keys.worker(name), "jobs")) == jobs
