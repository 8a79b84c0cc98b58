"""The trace context of a batch on a real server: where it stands, and whom it is told."""

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider

from gatherq import call
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import KeySpace
from gatherq.contract.records import encode_job
from gatherq.telemetry import trace_field
from tests.conftest import until
from tests.spans import set_provider

from .steps import claim

keys = KeySpace()
FIELD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 child"


@pytest.fixture
def tracer(monkeypatch):
    """An application that has set up OpenTelemetry's SDK."""
    provider = TracerProvider()
    set_provider(monkeypatch, provider)
    return provider.get_tracer("test")


@pytest.fixture
def traces(redis, queue):
    """Wait until so many jobs are in the queue; return the traces of their batches, by batch."""

    async def traces(count):
        async with until(10):
            while len(ids := await redis.zrange(queue, 0, -1)) < count:
                await asyncio.sleep(0.01)
        batches = {id_.decode().partition(":")[0] for id_ in ids}
        return [await redis.hget(keys.batch(batch), "trace") for batch in batches]

    return traces


async def test_every_claim_tells_the_trace_of_its_batches(asks, store, batch, redis):
    jobs = [encode_job(call("f", n), batch, n, None) for n in range(2)]
    await asks.submit(batch, 2, 3600, 0, jobs, origin=BatchOrigin("gather", trace=FIELD))
    assert await redis.hget(keys.batch(batch), "trace") == FIELD.encode()
    for _ in range(2):
        (attempt,) = (await claim(store(), 1)).attempts
        assert attempt.trace == FIELD


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe", b"x" * 101, b"x" * 1_000_000])
async def test_whatever_stands_there_the_batch_goes_on(submit, store, batch, redis, junk):
    await submit()
    await redis.hset(keys.batch(batch), "trace", junk)
    (attempt,) = (await claim(store())).attempts
    assert len(attempt.trace) <= 100
    assert attempt.trace == "" or trace_field.decode(attempt.trace) is None


async def test_a_batch_of_nobody_has_no_trace(submit, store):
    await submit()
    (attempt,) = (await claim(store())).attempts
    assert attempt.trace == ""


async def test_a_batch_keeps_the_trace_of_its_submission(producer, traces, tracer):
    with tracer.start_as_current_span("own") as own:
        await producer.submit([call("f"), call("g")])
    (found,) = await traces(2)
    assert trace_field.trace_id(found.decode()) == f"{own.get_span_context().trace_id:032x}"


async def test_without_an_sdk_no_field_is_written(producer, traces):
    await producer.submit([call("f")])
    assert await traces(1) == [None]


async def test_single_jobs_of_one_turn_are_one_batch_of_each_span(producer, traces, tracer):
    async def submit(count):
        with tracer.start_as_current_span("request") as span:
            jobs = [producer.submit_one(call("f")) for _ in range(count)]
            await asyncio.gather(*jobs)
        return f"{span.get_span_context().trace_id:032x}"

    ids = await asyncio.gather(submit(3), submit(2))
    found = await traces(5)
    assert sorted(trace_field.trace_id(each.decode()) for each in found) == sorted(ids)


async def test_single_jobs_without_a_span_are_one_batch(producer, traces, tracer):
    await asyncio.gather(*[producer.submit_one(call("f")) for _ in range(5)])
    (found,) = await traces(5)
    assert trace_field.decode(found.decode()).child
