"""The heartbeat: what a renewal says is done by the loop, and what came too late is not done."""

import asyncio
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq.store.jobs import Record, RenewalReply
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.heartbeat import Heartbeat
from gatherq_worker.engine.redis_clock import RedisClock
from gatherq_worker.execution.guarded_task import guarded

NOW = 1_700_000_000_000


class Store:
    """Renews as it is told to, by the thread of the heartbeat."""

    def __init__(self):
        self.replies, self.asked, self.signed_off = [], [], False

    async def renew(self, held, since, last, *, sign):
        self.asked.append(([attempt.job_id for attempt in held], sign))
        reply = self.replies.pop(0) if self.replies else RenewalReply(NOW)
        if isinstance(reply, Exception):
            raise reply
        return reply() if callable(reply) else reply

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
        )

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
