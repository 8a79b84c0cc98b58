"""The heartbeat: what a renewal says is done by the loop, and what came too late is not done."""

import asyncio
import logging
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from gatherq.contract.worker_record import WorkerRecord
from gatherq.store.jobs import Record, RenewalReply
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.heartbeat import Heartbeat
from gatherq_worker.engine.redis_clock import RedisClock
from gatherq_worker.execution.guarded_task import guarded

NOW = 1_700_000_000_000
RECORD = WorkerRecord.of_this_process("q", ["f"])


class Store:
    """Renews as it is told to, by the thread of the heartbeat."""

    def __init__(self):
        self.replies, self.asked, self.signed_off = [], [], False
        #: Errors of the next announcements; the announcements, each with when the worker began.
        self.refusals, self.announced = [], []

    async def renew(self, held, since, last, *, sign):
        self.asked.append(([attempt.job_id for attempt in held], sign))
        reply = self.replies.pop(0) if self.replies else RenewalReply(NOW)
        if isinstance(reply, Exception):
            raise reply
        return reply() if callable(reply) else reply

    async def announce(self, record, started):
        self.announced.append((record, started))
        if self.refusals:
            raise self.refusals.pop(0)
        return started or NOW

    async def sign_off(self):
        self.signed_off = True


class Watchdog:
    def alive(self):
        return True

    async def run(self, store):
        await asyncio.sleep(60)


class World:
    def __init__(self):
        async def disconnect():
            self.closed = True

        redis = SimpleNamespace(connection_pool=SimpleNamespace(disconnect=disconnect))
        self.closed, self.extended = False, []
        self.store, self.attempts, self.clock = Store(), Attempts(), RedisClock(8.0)
        self.heartbeat = Heartbeat(
            SimpleNamespace(connect=lambda: redis),
            lambda redis: self.store,
            self.attempts,
            SimpleNamespace(extend=self.extended.append),
            self.clock,
            Watchdog(),
            lease=8.0,
            record=RECORD,
        )

    async def announcements(self, count):
        """Wait until the record was written, or tried, so many times."""
        async with asyncio.timeout(10):
            while len(self.store.announced) < count:
                await asyncio.sleep(0.001)

    def running(self, job_id):
        attempt = Attempt(job_id, 1, None)
        self.attempts.claim(attempt)
        self.attempts.start(attempt, guarded(asyncio.sleep(60), attempt))
        return attempt

    async def beat(self, *replies):
        """Wait until the heartbeat has had these replies, and the loop has heard of them."""
        self.store.replies += replies
        self.heartbeat.renew_soon()
        async with asyncio.timeout(10):
            while self.store.replies:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)


@pytest.fixture
def often(monkeypatch):
    """Write the record again and again without a pause."""
    monkeypatch.setattr("gatherq_worker.engine.heartbeat.ANNOUNCE_AGAIN", 0.0)


@pytest.fixture
async def world():
    world = World()
    world.heartbeat.start()
    yield world
    await world.heartbeat.stop(10)
    assert world.store.signed_off
    assert world.closed
    for task in world.attempts.tasks.values():
        task.cancel()


async def test_all_claims_are_renewed_and_tell_the_time(world):
    world.running("b:0")
    await world.beat(RenewalReply(NOW + 5))
    assert (["b:0"], True) in world.store.asked
    assert world.clock.last == NOW + 5


async def test_the_loop_cancels_loses_and_extends(world):
    lost, cancelled = world.running("b:0"), world.running("b:1")
    await world.beat(RenewalReply(NOW, ["b:0"], {"b:1": "me"}, {"b"}))
    assert (lost.state, cancelled.cancelled_by) == (State.LOST, "me")
    assert world.extended == [{"b"}]


async def test_what_was_recorded_meanwhile_is_not_lost(world, caplog):
    attempt = world.running("b:0")

    def meanwhile():
        world.attempts.record(attempt)
        world.attempts.recorded(Record(attempt, "succeeded", b"", None), "recorded")
        return RenewalReply(NOW, ["b:0"])

    await world.beat(meanwhile)
    assert attempt.state is State.GONE
    assert "its lease is lost" not in caplog.text


async def test_it_goes_on_after_an_outage(world, caplog):
    await world.beat(RedisConnectionError("away"), RenewalReply(NOW + 9))
    assert world.clock.last == NOW + 9
    assert "Redis fails to renew leases" in caplog.text
    assert "Redis is back" in caplog.text


async def test_a_long_lease_is_no_reason_to_be_silent(monkeypatch):
    monkeypatch.setattr("gatherq_worker.engine.heartbeat._LONGEST", 0.01)
    world = World()
    world.heartbeat.start()
    async with asyncio.timeout(1.9):  # a quarter of the lease is 2 s
        while len(world.store.asked) < 3:
            await asyncio.sleep(0.001)
    await world.heartbeat.stop(10)


async def test_the_record_is_written_at_once_and_again_with_the_same_beginning(often, world):
    await world.announcements(3)
    assert world.store.announced[:3] == [(RECORD, 0), (RECORD, NOW), (RECORD, NOW)]


async def test_the_record_waits_for_the_first_renewal(often):
    world = World()
    world.store.replies = [RedisConnectionError("away"), RenewalReply(NOW)]
    announced_before = []

    async def renew(*args, store_renew=world.store.renew, **options):
        announced_before.append(len(world.store.announced))
        return await store_renew(*args, **options)

    world.store.renew = renew
    world.heartbeat.start()
    await world.announcements(1)
    await world.heartbeat.stop(10)
    assert announced_before[:2] == [0, 0]


async def test_a_record_that_is_refused_is_logged_once_and_costs_nothing(often, world, caplog):
    caplog.set_level(logging.INFO, "gatherq.worker")
    world.store.refusals = [RedisConnectionError("away"), *[NoPermissionError("no")] * 3]
    await world.announcements(6)
    await world.beat(RenewalReply(NOW + 5))
    assert world.clock.last == NOW + 5
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("INFO", "the record of this worker is not written: no")
    ]
