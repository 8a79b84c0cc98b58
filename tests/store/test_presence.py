"""The record of a worker, and who finds it, on a real server."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from gatherq import call
from gatherq.contract import records
from gatherq.contract.keys import KeySpace
from gatherq.contract.worker_record import WorkerRecord
from gatherq.store.jobs import JobStore
from gatherq.store.worker_presence import MOST_WORKERS, JobSample, Presence, WorkerPresence
from gatherq.testing.server import embedded_server

from .steps import LEASE

RECORD = WorkerRecord.of_this_process("any", ["chop", "weigh"], 5.0, {"loop": 9})
NAMES = frozenset({"chop", "weigh"})


@pytest.fixture
async def redis():
    """A server of its own: the queues of others are looked for here."""
    with embedded_server() as (url, _):
        async with Redis.from_url(url) as client:
            yield client


@pytest.fixture
def presence(redis):
    return WorkerPresence(redis)


@pytest.fixture
def keys(queue):
    return KeySpace(queue)


@pytest.fixture
def started(redis, queue):
    """Have a worker sign, and tell of itself unless it is an old one."""

    async def started(worker="w1", queue=queue, record=RECORD):
        store = JobStore(redis, KeySpace(queue), worker, LEASE)
        await store.renew([])
        if record:
            await store.announce(record)
        return store

    return started


async def test_a_record_has_all_fields_and_a_time_to_live(redis, store, keys, queue):
    began = await store().announce(RECORD)
    seconds, _ = await redis.time()
    assert abs(began / 1000 - seconds) < 10
    assert await redis.hgetall(keys.worker("w1")) == {
        b"host": RECORD.host.encode(),
        b"pid": b"%d" % RECORD.pid,
        b"version": RECORD.version.encode(),
        b"python": RECORD.python.encode(),
        b"queue": b"any",
        b"lease": b"5000",
        b"places": b'{"loop":9}',
        b"handlers": RECORD.handlers,
        b"handlers_cut": b"0",
        b"started": b"%d" % began,
    }
    assert await redis.zrange(keys.queues, 0, -1, withscores=True) == [(queue.encode(), began)]
    for key in (keys.worker("w1"), keys.queues):
        assert 55_000 < await redis.pttl(key) <= 60_000


async def test_written_again_it_keeps_its_beginning_and_lives_on(redis, store, keys):
    began = await store().announce(RECORD)
    await redis.pexpire(keys.worker("w1"), 5_000)
    assert await store().announce(RECORD, began - 1000) == began - 1000
    assert await redis.hget(keys.worker("w1"), "started") == b"%d" % (began - 1000)
    assert await redis.pttl(keys.worker("w1")) > 55_000


async def test_queues_without_a_sign_of_life_are_forgotten(redis, store, keys, queue):
    seconds, _ = await redis.time()
    old, fresh = (seconds - 61) * 1000, (seconds - 50) * 1000
    await redis.zadd(keys.queues, {"old": old, "fresh": fresh})
    await store().announce(RECORD)
    assert set(await redis.zrange(keys.queues, 0, -1)) == {b"fresh", queue.encode()}


@pytest.mark.parametrize("junk", ["string", "hash"])
async def test_junk_gives_way(redis, store, keys, presence, junk):
    for key in (keys.worker("w1"), keys.queues):
        if junk == "string":
            await redis.set(key, "x")
        else:
            await redis.hset(key, mapping={"handlers": "[1]", "started": "x"})
    await store().renew([])
    await store().announce(RECORD)
    assert (await presence.look(keys.queue, {})).workers == {"w1": NAMES}


async def test_a_full_server_refuses_it_and_nothing_is_half_written(redis, store, keys):
    await redis.config_set("maxmemory", 1)
    with pytest.raises(Exception, match="maxmemory"):
        await store().announce(RECORD)
    await redis.config_set("maxmemory", 0)
    assert await redis.exists(keys.worker("w1"), keys.queues) == 0


async def test_who_signs_off_is_not_kept_by_a_list_that_is_none(redis, started, keys):
    worker = await started("w1")
    assert await redis.exists(keys.worker("w1"))
    await redis.set(keys.workers, "junk")
    await worker.sign_off()
    assert not await redis.exists(keys.worker("w1"))


async def test_who_signs_off_takes_its_record_along(redis, started, presence, keys):
    first, _ = await started("w1"), await started("w2")
    await first.sign_off()
    assert await redis.exists(keys.worker("w1")) == 0
    assert (await presence.look(keys.queue, {})).workers == {"w2": NAMES}


async def test_of_nobody_the_other_queues_are_told(started, presence, redis):
    await started("a1", "emails")
    await started("a2", "emails")
    gone = await started("b1", "gone")
    await gone.sign_off()
    assert await presence.look("q", {}) == Presence({}, elsewhere={"emails": 2})
    await redis.set("q:health-check", "x")
    assert (await presence.look("q", {})).arq


async def test_with_no_worker_anywhere_there_is_nothing_to_tell(presence):
    assert await presence.look("q", {}) == Presence({}, elsewhere={})


async def test_a_worker_without_a_record_is_there_and_tells_nothing(started, presence, keys):
    await started("old", record=None)
    await started("cut", record=RECORD._replace(handlers_cut=1))
    await started("new")
    found = await presence.look(keys.queue, {})
    assert found == Presence({"old": None, "cut": None, "new": NAMES})
    assert not found.tells_all


async def test_a_record_is_read_once(redis, started, presence, keys):
    await started("w1")
    found = await presence.look(keys.queue, {})
    await redis.delete(keys.worker("w1"))
    assert await presence.look(keys.queue, found.workers) == found
    await redis.config_resetstat()
    await presence.look(keys.queue, found.workers)
    assert "cmdstat_hmget" not in await redis.info("commandstats")


async def test_who_was_silent_for_long_is_not_there(redis, started, presence, keys):
    await started("w1")
    await redis.zincrby(keys.workers, -16_000, "w1")
    assert (await presence.look(keys.queue, {})).workers == {}


async def test_of_very_many_workers_some_are_read(redis, started, presence, keys):
    await started("w1")
    ((_, now),) = await redis.zrange(keys.workers, 0, -1, withscores=True)
    await redis.zadd(keys.workers, {f"x{n}": now - 1 for n in range(MOST_WORKERS)})
    found = await presence.look(keys.queue, {})
    assert (len(found.workers), found.more, found.known) == (MOST_WORKERS, True, NAMES)


async def test_names_and_queue_of_a_few_jobs_are_read(redis, submit, batch, presence, keys):
    names = ['a"\\\n', "\U0001f600" * 256, "f"]
    jobs = [records.encode_job(call(n), batch, i, None) for i, n in enumerate(names)]
    await submit(5, jobs=[*jobs, b'{"f":"' + b"x" * 9999, b'{"f":[1]}'])
    found = await presence.sample({batch: range(6), "none": [0]})
    assert found == {batch: JobSample(keys.queue, names), "none": JobSample(None, [])}


async def test_a_job_of_another_type_has_no_name(redis, submit, batch, presence, keys):
    await submit(1)
    await redis.delete(keys.job(f"{batch}:0"))
    await redis.hset(keys.job(f"{batch}:0"), "f", "x")
    assert (await presence.sample({batch: [0]}))[batch].names == []


@pytest.fixture
async def limited(redis, queue):
    """A user as before there were records: it may neither read nor write them."""
    rights = ["on", "nopass", "+@all", "~arq:*", f"~{queue}*"]
    rights += [f"~gatherq:{of}:{queue}" for of in ("workers", "cancel", "wake")]
    await redis.execute_command("ACL", "SETUSER", "me", "reset", *rights)
    kwargs = redis.connection_pool.connection_kwargs
    async with Redis(host=kwargs["host"], port=kwargs["port"], username="me", password="x") as me:
        yield me


async def test_who_may_not_write_a_record_works_and_signs_off(limited, keys, presence):
    store = JobStore(limited, keys, "w1", LEASE)
    await store.renew([])
    with pytest.raises(NoPermissionError):
        await store.announce(RECORD)
    assert (await presence.look(keys.queue, {})).workers == {"w1": None}
    await store.sign_off()
    assert (await presence.look(keys.queue, {})).workers == {}


async def test_what_may_not_be_read_is_not_known(limited, started, keys):
    ours = WorkerPresence(limited)
    assert await ours.look(keys.queue, {}) == Presence({})
    await started("w1")
    assert await ours.look(keys.queue, {}) == Presence({"w1": None})
    with pytest.raises(NoPermissionError):
        await ours.look("another", {})
