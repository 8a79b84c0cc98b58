"""Replies that are lost, connections that are cut, servers that fall silent."""

import asyncio
import signal
from time import monotonic

import pytest

from gatherq import Lost, Succeeded, call
from gatherq.client.producer_leases import ProducerLeases
from gatherq.contract.keys import DEFAULT_QUEUE
from gatherq.errors import BatchNotFound
from tests.conftest import until
from tests.proxy import Proxy

from .conftest import LEASE


@pytest.mark.long
async def test_a_server_that_is_paused_for_longer_than_a_lease_charges_nobody(stage):
    async with stage.producer() as producer, until(90):
        for _ in range(2):
            stage.worker()
        await stage.ready()
        for round_ in range(1, 4):
            batch = await producer.submit([call("once", stage.ledger, 0.3) for _ in range(30)])
            # A claim that is written as the server stops, and answered after its lease, is charged.
            await stage.started(30 * round_)
            await stage.pause(LEASE * 1.5)
            outcomes = await batch.outcomes()
            assert all(isinstance(o, Succeeded) and o.attempt == 1 for o in outcomes)
    assert len(stage.starts()) == 90


@pytest.mark.parametrize("step", ["release_claims", "record_outcomes", "renew_claims"])
async def test_other_replies_may_be_lost_too(stage, step):
    async with Proxy(stage.port) as proxy, stage.producer() as producer, until(60):
        stage.worker(proxy.url)
        await stage.ready(contact=False)
        proxy.lose(f"job/{step}", 3)
        outcomes = await (await producer.submit([call("flaky", stage.ledger, 2)] * 5)).outcomes()
        counts = await (await producer.batch(outcomes[0].job_id.split(":")[0])).counts()
    assert [o.value for o in outcomes] == [3] * 5
    assert all([h.attempt for h in o.history] == [1, 2] for o in outcomes)
    assert (counts.succeeded, counts.running) == (5, 0)
    assert len(stage.starts()) == 15


@pytest.mark.parametrize("step", ["submit", "cancel", "sweep", "redrive", "delete", "extend"])
async def test_a_producers_replies_may_be_lost(stage, step):
    async with Proxy(stage.port) as proxy, stage.producer(proxy.url) as producer, until(60):
        proxy.lose(f"batch/{step}", 1)
        batch = await producer.submit([call("nap", stage.ledger, 0.0)] * 900)
        assert await batch.cancel(1, 2, 3) == 3
        assert await batch.cancel() == 897
        assert await batch.redrive() == 900
        assert 0 < await stage.redis.zcard(DEFAULT_QUEUE) <= 200  # the others wait outside
        assert (await batch.counts()).finished == 0
        await batch.delete()
        assert proxy.lost == 1
        with pytest.raises(BatchNotFound):
            await batch.delete()
        assert not [key async for key in stage.redis.scan_iter(f"*{batch.id}*", 10_000)]


@pytest.mark.long
async def test_resets_more_often_than_once_a_lease_do_not_break_contact(stage):
    async with Proxy(stage.port) as proxy, stage.producer() as producer, until(90):
        dying = stage.worker()
        await stage.ready()
        batch = await producer.submit([call("stuck_at_first", stage.ledger)] * 3)
        await stage.started(3)
        stage.worker(proxy.url)

        async def resets():
            while True:
                await asyncio.sleep(LEASE * 0.4)
                proxy.cut()

        resetting = asyncio.create_task(resets())
        await stage.ready()
        dying.kill()
        killed = monotonic()
        await stage.started(6)
        assert monotonic() - killed <= LEASE + 2
        resetting.cancel()
        outcomes = await batch.outcomes()
    assert [o.attempt for o in outcomes] == [2, 2, 2]


@pytest.mark.long
async def test_a_black_hole_is_left_within_a_lease_of_its_end(stage):
    async with Proxy(stage.port) as proxy, stage.producer() as producer, until(90):
        stage.worker(proxy.url)
        await stage.ready()
        batch = await producer.submit([call("nap", stage.ledger, 0.5)] * 3)
        await stage.started(3)
        proxy.swallow()
        await asyncio.sleep(5)
        proxy.heal()
        healed = monotonic()
        new = await producer.submit([call("nap", stage.ledger, 0.0)])
        await stage.started(1, f"{new.id}:0")
        assert monotonic() - healed <= LEASE + 1
        outcomes = await batch.outcomes()
    assert all(isinstance(o, Succeeded) and o.attempt == 1 for o in outcomes)


async def test_a_producer_outlives_the_silence_of_its_server(stage):
    async with stage.producer() as producer, until(60):
        stage.worker()
        await stage.ready()
        batch = await producer.submit([call("nap", stage.ledger, 4.0)] * 4, lease=2)
        await stage.started(4)
        await stage.pause(3)
        outcomes = await batch.outcomes()
    assert all(isinstance(o, Succeeded) for o in outcomes), outcomes


async def test_a_dead_producers_batch_is_cancelled_all_the_same(stage, monkeypatch):
    leases, hold = [], ProducerLeases.hold
    monkeypatch.setattr(ProducerLeases, "hold", lambda *args: leases.append(args[0]) or hold(*args))
    async with stage.producer() as producer, stage.producer() as another, until(60):
        stage.worker()
        await stage.ready()
        batch = await producer.submit([call("nap", stage.ledger, 60.0)] * 4, lease=1)
        await stage.started(4)
        leases[0].let_go(batch.id)  # it renews no more
        outcomes = await (await another.batch(batch.id)).outcomes()
    assert {(o.status, o.by) for o in outcomes} == {("cancelled", "producer lost")}


async def test_what_ended_before_a_deadline_that_passed_in_an_outage_is_not_too_late(stage):
    """Its worker cannot record it before the deadline; another one, in contact, may not judge."""
    async with Proxy(stage.port) as proxy, stage.producer() as producer, until(60):
        stage.worker(proxy.url)
        await stage.ready()
        batch = await producer.submit([call("nap", stage.ledger, 0.8)] * 3, deadline=1.6)
        await stage.started(3)
        proxy.swallow()
        await asyncio.sleep(1.2)
        proxy.heal()
        outcomes = await batch.outcomes()
    assert all(isinstance(o, Succeeded) for o in outcomes), outcomes


async def test_a_machine_that_dies_is_charged_and_named(stage):
    async with stage.producer() as producer, until(60):
        first = stage.worker()
        await stage.ready()
        batch = await producer.submit(
            [call("once", stage.ledger, 30.0), call("nap", stage.ledger, 0.5)]
        )
        await stage.started(2)
        first.send_signal(signal.SIGKILL)
        stage.worker()
        lost, again = await batch.outcomes()
    assert isinstance(lost, Lost)
    assert isinstance(again, Succeeded)
    assert (lost.attempts, again.attempt) == (1, 2)
