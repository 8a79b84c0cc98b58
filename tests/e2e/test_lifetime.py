"""Redrive and deletion of a batch, with real workers."""

import asyncio

import pytest

from gatherq import Producer
from gatherq.client.collection.batch_reader import BatchReader
from gatherq.errors import BatchNotFound

from ..conftest import lines_of, until
from . import jobs


async def test_a_redrive_runs_only_what_did_not_succeed_and_keeps_the_order(
    producer, start_worker, tmp_path, server_url, queue
):
    start_worker()
    path = tmp_path / "there"
    ledger = tmp_path / "ledger"
    calls = [jobs.needs.call(str(path), n) for n in range(4)]
    async with until(30):
        batch = await producer.submit([jobs.ledger.call(str(ledger), 0), *calls])
        before = await batch.outcomes()
        assert [o.status for o in before] == ["succeeded"] + ["failed"] * 4
        assert await batch.redrive() == 4
        assert [o.attempt for o in await batch.outcomes()] == [1, 2, 2, 2, 2]
        path.touch()
        async with Producer(server_url, queue=queue) as elsewhere:
            assert await (await elsewhere.batch(batch.id)).redrive() == 4
        after = await batch.outcomes()
        assert [o.value for o in after[1:]] == [0, 1, 2, 3]
        assert after[0] == before[0]
        assert sorted([o.slot async for o in batch.as_completed()]) == list(range(5))
        assert await batch.redrive() == 0
    assert len(ledger.read_text().splitlines()) == 1


async def test_a_stopped_batch_goes_on_with_a_redrive(producer, start_worker, tmp_path):
    start_worker("--concurrency", "1")
    path = tmp_path / "there"
    calls = [jobs.needs.call(str(path), n) for n in range(300)]
    async with until(40):
        batch = await producer.submit(calls, tolerate=1, deadline=30)
        statuses = [o.status for o in await batch.outcomes()]
        # One more may fail before the second failure is recorded.
        assert statuses.count("failed") in (2, 3)
        assert set(statuses[3:]) == {"cancelled"}
        path.touch()
        assert await batch.redrive() == 300
        assert [o.value for o in await batch.outcomes()] == list(range(300))


async def test_a_reader_that_was_under_way_waits_for_what_is_redriven(
    producer, start_worker, tmp_path, monkeypatch
):
    """It has read that a slot ended, and finds its result taken away."""
    path = tmp_path / "there"
    worker = start_worker()
    fetch, fetched = BatchReader.fetch, asyncio.Queue()
    asked, redriven = asyncio.Event(), asyncio.Event()

    async def held_back(self, slots):
        asked.set()
        await redriven.wait()
        found = await fetch(self, slots)
        fetched.put_nowait(found)
        return found

    monkeypatch.setattr(BatchReader, "fetch", held_back)
    async with until(30):
        batch = await producer.submit([jobs.needs.call(str(path), 7)])
        reading = asyncio.create_task(batch.outcomes())
        await asked.wait()
        worker.terminate()
        assert await asyncio.to_thread(worker.wait) == 0
        assert await batch.redrive() == 1
        redriven.set()
        assert await fetched.get() == [None]
        path.touch()
        start_worker()
        assert [outcome.value for outcome in await reading] == [7]


async def test_a_deleted_batch_is_gone_and_its_running_jobs_are_cancelled(
    producer, start_worker, tmp_path
):
    path = tmp_path / "ledger"
    start_worker("--concurrency", "2")
    async with until(30):
        batch = await producer.submit([jobs.linger.call(str(path))] * 4)
        await lines_of(path, 2)
        waiting = asyncio.create_task(batch.outcomes())
        await batch.delete()
        with pytest.raises(BatchNotFound):
            await waiting
        lines = await lines_of(path, 4)
        for gone in (batch.outcomes, batch.counts, batch.cancel, batch.redrive, batch.delete):
            with pytest.raises(BatchNotFound, match=batch.id):
                await gone()
        # The worker is well, and takes other work.
        assert await producer.gather(jobs.echo.call(1)) == [1]
    assert sorted(lines) == ["begun"] * 2 + ["cancelled"] * 2
