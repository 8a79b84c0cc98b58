"""A user of the server who may not touch the record of a batch loses that, and nothing else."""

import secrets
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from gatherq import call
from gatherq.client.job_encoding import digests
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import KeySpace, job_id
from gatherq.store.jobs import JobStore, Release

from .outcomes import failed, succeeded
from .steps import LEASE, Asks, claim, contact

#: What the user may touch: all keys of docs/keys.md but those of the record.
ALLOWED = [
    *("arq:*", "test:*", "gatherq:batch:*", "gatherq:done:*", "gatherq:attempts:*"),
    *("gatherq:digests:*", "gatherq:cancel:*", "gatherq:wake:*", "gatherq:workers:*"),
    *("gatherq:worker:*", "gatherq:queues", "gatherq:quarantine:*", "gatherq:nudge:*"),
]
SIZE = 6


@asynccontextmanager
async def as_user(redis, server_url, patterns):
    """Make a user who may touch these keys; yield a client of that user."""
    name = f"u{secrets.token_hex(4)}"
    rules = [*(f"~{pattern}" for pattern in patterns), "&*", "+@all", "nopass", "on"]
    await redis.execute_command("ACL", "SETUSER", name, *rules)
    async with Redis.from_url(server_url.replace("redis://", f"redis://{name}:x@")) as client:
        yield client
    await redis.execute_command("ACL", "DELUSER", name)


@pytest.fixture
async def denied(redis, server_url):
    """A client whose user may not touch the keys of the record."""
    async with as_user(redis, server_url, ALLOWED) as client:
        yield client


@pytest.fixture
def asks(denied, queue):
    return Asks(denied, KeySpace(queue))


@pytest.fixture
def store(denied, queue):
    return JobStore(denied, KeySpace(queue), "w1", LEASE)


@pytest.fixture
def submit(asks, batch):
    async def submit(size=SIZE):
        jobs = [records.encode_job(call("f", n), batch, n, None, 60.0) for n in range(size)]
        options = BatchOptions(tolerate=SIZE, queue_timeout=60.0, lease=60.0)
        origin = BatchOrigin("submit", "x")
        given = {"options": options, "origin": origin, "digests": digests(jobs), "life": "l"}
        return await asks.submit(batch, size, 3600, 0, jobs, **given)

    return submit


@pytest.fixture(autouse=True)
async def _nothing_is_recorded(redis, batch, queue):
    yield
    own = KeySpace(queue)
    assert await redis.exists(own.events, own.batch_index, own.errors(batch)) == 0


async def statuses(asks, batch):
    found = [records.codec.from_json(raw) for raw in await asks.results(batch, range(SIZE)) if raw]
    return [(outcome["slot"], outcome["status"]) for outcome in found]


async def test_the_user_may_not_write_the_record(denied, queue):
    with pytest.raises(Exception, match="(?i)perm|access"):
        await denied.xadd(KeySpace(queue).events, {"event": "x"})


async def test_a_batch_is_submitted_claimed_and_recorded(submit, asks, store, batch):
    assert (await submit()).size == SIZE
    attempts = (await claim(store)).attempts
    outcomes = [failed(attempts[0]), *map(succeeded, attempts[1:])]
    assert (await store.record(outcomes)).replies == ["recorded"] * SIZE
    assert sorted(await statuses(asks, batch)) == [
        (0, "failed"),
        *((slot, "succeeded") for slot in range(1, SIZE)),
    ]


async def test_claims_are_renewed_and_released(submit, store):
    await submit()
    attempts = (await claim(store)).attempts
    assert (await store.renew(attempts, *await contact(store))).lost == []
    assert await store.release([Release(a) for a in attempts]) == SIZE


async def test_junk_in_the_queue_is_put_into_quarantine(redis, submit, store, queue):
    await submit()
    await redis.zadd(queue, {b"\xff": 1})
    found = await claim(store)
    assert (len(found.quarantined), len(found.attempts)) == (1, SIZE)


async def test_a_batch_is_cancelled_and_swept(submit, asks, batch):
    await submit()
    assert await asks.cancel(batch, [0], "me") == 1
    assert await asks.cancel(batch, None, "me") == SIZE - 1
    assert await statuses(asks, batch) == [(slot, "cancelled") for slot in range(SIZE)]


async def test_lost_slots_end(redis, submit, asks, batch, queue):
    await submit()
    await redis.delete(queue, *(asks.keys.job(job_id(batch, slot)) for slot in range(SIZE)))
    assert len((await asks.mend(batch, range(SIZE), -1)).ended) == SIZE


async def test_a_batch_is_redriven_kept_and_deleted(submit, asks, store, batch):
    await submit()
    await store.record([failed(a) for a in (await claim(store)).attempts])
    assert await asks.run_again(batch) == SIZE
    assert await asks.extend(batch, 60.0, "me")
    assert await asks.renew_lease(batch) is False  # the redrive lifted it
    assert await asks.remove(batch)
    assert await asks.counts(batch) is None


async def test_who_may_not_read_batches_claims_no_job_as_if_it_had_none(
    redis, server_url, submit, store, queue
):
    await submit()
    others = [pattern for pattern in ALLOWED if pattern != "gatherq:batch:*"]
    async with as_user(redis, server_url, others) as client:
        with pytest.raises((NoPermissionError, ResponseError), match="(?i)perm|access"):
            await claim(JobStore(client, KeySpace(queue), "w2", LEASE))
    assert len((await claim(store)).attempts) == SIZE
