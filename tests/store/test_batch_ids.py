"""Batch ids: one space in a database, whatever the queue; none between databases."""

import secrets

import pytest

from gatherq import Cancelled, Producer, call
from gatherq.errors import BatchConflict, BatchNotFound

from ..conftest import until


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
