"""Handles whose batch is redriven before their outcome has come."""

import asyncio

import pytest

from gatherq import Producer, Succeeded, call
from gatherq.client.collection.batch_reader import BatchReader
from gatherq.client.producer_leases import ProducerLeases

from ..conftest import lines_of, until


async def lifted(producer, path, monkeypatch, redriver):
    """Cancel a job that waits, redrive its batch; return its handle, asked and not ended."""
    batch = await producer.submit([call("linger", str(path))])
    handle = batch.handles()[0]
    ended, outcomes = asyncio.Event(), BatchReader.outcomes

    async def held_back(*args):  # the handle hears of no end until it is redriven
        await ended.wait()
        async for outcome in outcomes(*args):
            yield outcome

    monkeypatch.setattr(BatchReader, "outcomes", held_back)
    handle.cancel("first")
    other = await redriver.batch(batch.id)
    assert [outcome.status for outcome in await other.outcomes()] == ["cancelled"]
    mine = batch if redriver is producer else other
    assert await mine.redrive() == 1
    return handle, ended


@pytest.mark.parametrize("who", ["the same producer", "another"])
async def test_it_is_asked_to_cancel_again(
    producer, server_url, queue, start_worker, tmp_path, monkeypatch, who
):
    path = tmp_path / "told"
    async with until(30), Producer(server_url, queue=queue) as other:
        redriver = producer if who == "the same producer" else other
        handle, ended = await lifted(producer, path, monkeypatch, redriver)
        ended.set()
        start_worker()
        await lines_of(path, 1)
        assert not handle.done()
        while not handle.done():
            handle.cancel("second")
            await asyncio.wait([handle], timeout=0.1)
        with pytest.raises(asyncio.CancelledError, match="second"):
            await handle
        assert await lines_of(path, 2) == ["begun", "cancelled"]


async def test_it_ends_as_its_job_does_if_nobody_asks_again(producer, start_worker, tmp_path):
    async with until(30):
        batch = await producer.submit([call("echo", 3)])
        handle = batch.handles()[0]
        await batch.cancel()
        again = await producer.batch(batch.id)
        await again.outcomes()
        assert await again.redrive() == 1
        start_worker()
        outcome = await handle.outcome()
        assert outcome.status == "cancelled" or isinstance(outcome, Succeeded)
        assert await (await producer.batch(batch.id)).handles()[0] == 3


@pytest.fixture
def leases(monkeypatch):
    """How many batches have a lease; and an event for each that is let go."""
    held, changed = set(), asyncio.Event()
    hold, let_go = ProducerLeases.hold, ProducerLeases.let_go

    def noted_hold(self, batch, seconds):
        held.add(batch)
        hold(self, batch, seconds)

    def noted_let_go(self, batch):
        held.discard(batch)
        changed.set()
        let_go(self, batch)

    monkeypatch.setattr(ProducerLeases, "hold", noted_hold)
    monkeypatch.setattr(ProducerLeases, "let_go", noted_let_go)
    return held, changed


@pytest.mark.parametrize("verb", ["gather", "submit_one", "group", "map", "submit"])
async def test_a_lease_is_let_go_when_its_jobs_have_ended(producer, start_worker, leases, verb):
    start_worker()
    job = call("echo", 3)
    async with until(30):
        if verb == "gather":
            await producer.gather(job, job, lease=30)
        elif verb == "submit_one":
            await (await producer.submit_one(job, lease=30))
        elif verb == "group":
            async with producer.task_group(lease=30) as group:
                group.create_task(job)
        elif verb == "map":
            async for _ in producer.map(lambda _: job, [1, 2], lease=30):
                pass
        else:
            await (await producer.submit([job, job], lease=30)).outcomes()
        held, changed = leases
        while held:  # a handle group ends in a turn of its own
            changed.clear()
            await changed.wait()
