"""Batch ids: one space in a database, whatever the queue; none between databases."""

import asyncio
import secrets

import pytest

from gatherq import Cancelled, Producer, call
from gatherq.errors import BatchConflict, BatchNotFound
from gatherq.store.jobs import Record

from ..conftest import until
from .steps import claim
from .worker import serve, succeeded


async def test_a_batch_is_found_from_any_queue_of_its_database(producer, server_url, queue):
    async with until(10), Producer(server_url, queue=f"{queue}:other") as other:
        batch = await producer.submit([call("nothing")], batch_id=f"nightly-{secrets.token_hex(4)}")
        found = await other.batch(batch.id)
        assert await found.cancel() == 1
        for each in (batch, found):
            (outcome,) = await each.outcomes()
            assert isinstance(outcome, Cancelled)
        with pytest.raises(BatchConflict):
            await other.submit([call("nothing")], batch_id=batch.id)


async def test_another_database_has_batches_of_its_own(producer, server_url, queue):
    elsewhere = f"{server_url.rsplit('/', 1)[0]}/8"
    async with until(10), Producer(elsewhere, queue=queue) as other:
        batch = await producer.submit([call("nothing")], batch_id=f"nightly-{secrets.token_hex(4)}")
        with pytest.raises(BatchNotFound):
            await other.batch(batch.id)
        same = await other.submit([call("nothing")], batch_id=batch.id)
        await batch.cancel()
        assert (await same.counts()).finished == 0
        await same.delete()


@pytest.mark.parametrize("size", [3, 10, 11])
async def test_who_waits_reads_no_mixture_of_two_batches_of_an_id(producer, store, size):
    """Completions of small batches bring results along: those of the first are no more."""
    batch_id = f"nightly-{secrets.token_hex(4)}"
    async with until(20):
        old = await producer.submit([call("f", "old")] * size, batch_id=batch_id)
        reading = asyncio.create_task((await producer.batch(batch_id)).outcomes())
        both = (await producer.batch(batch_id)).as_completed()  # one watcher tells both readers
        _, *ended = (await claim(store(), size)).attempts
        await store().record([Record(each, "succeeded", succeeded(each), 60) for each in ended])
        for _ in ended:
            await anext(both)
        await both.aclose()
        await old.delete()
        new = await producer.submit([call("f", "new")] * size, batch_id=batch_id)
        await serve(store(), size)
        assert {outcome.value for outcome in await reading} == {"new"}
        assert len(await new.outcomes()) == size
