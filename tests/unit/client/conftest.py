"""A session over fakeredis, and jobs that end when a test says so."""

import secrets
from types import SimpleNamespace

import fakeredis
import pytest

from gatherq.client.session import Session
from gatherq.contract import records
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.outcomes import Succeeded
from gatherq.store.batches import BatchStore
from gatherq.store.server.retry import RedisRetry

QUEUE = "q"
KEYS = KeySpace(QUEUE)


@pytest.fixture
async def redis():
    client = fakeredis.FakeAsyncRedis()
    yield client
    await client.aclose()


@pytest.fixture
async def store(redis):
    return BatchStore(redis, KEYS)


@pytest.fixture
async def session(store):
    session = Session(store, RedisRetry("redis://x", 0), lambda: None)
    yield session
    await session.aclose()


@pytest.fixture
def batch_id():
    return secrets.token_hex(4)


@pytest.fixture
def end(redis):
    """Record that slots of a batch have succeeded, each with its number for a value."""

    async def end(batch, *slots):
        for slot in slots:
            await redis.set(KEYS.result(job_id(batch, slot)), result(batch, slot))
        await redis.xadd(KEYS.done(batch), dict.fromkeys(slots, "succeeded"))

    return end


def result(batch, slot):
    return records.encode_result(
        records.Verdict("succeeded", slot),
        job_id=job_id(batch, slot),
        attempt=1,
        worker="w",
        job=None,
        batch=batch,
        slot=slot,
        times=records.Times(1, 2),
        queue=QUEUE,
    )


def succeeded(slot=0, value=1):
    fields = {"job_id": f"b:{slot}", "slot": slot, "name": "f", "attempt": 1, "worker": "w"}
    return Succeeded(value=value, **fields, enqueued=0, finished=1)


def stub_session(store):
    """A session that tries once."""

    async def retry(method, *args, **options):
        return await method(*args, **options)

    return SimpleNamespace(store=store, retry=retry)
