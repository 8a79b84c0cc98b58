"""The heartbeat: what a renewal says is done by the loop, and what came too late is not done."""

import asyncio
import json
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
from gatherq_worker.engine.worker_record.news import News
from gatherq_worker.execution.guarded_task import guarded

NOW = 1_700_000_000_000
RECORD = WorkerRecord.of_this_process("q", ["f"], 8.0, {"loop": 1})


class Store:
    """Renews as it is told to, by the thread of the heartbeat."""

    def __init__(self):
        self.replies, self.asked, self.beats, self.signed_off = [], [], [], None
        #: Errors of the next announcements; the announcements, each with when the worker began.
        self.refusals, self.announced = [], []

    async def renew(self, held, since, last, *, sign, beat):
        self.beats.append(beat)
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

    async def sign_off(self, end):
        self.signed_off = end


class Watchdog:
    def alive(self):
        return True

    async def run(self, store):
        await asyncio.sleep(60)


class World:
    def __init__(self, lease=8.0):
        async def disconnect():
            self.closed = True

        redis = SimpleNamespace(connection_pool=SimpleNamespace(disconnect=disconnect))
        self.closed, self.extended, self.all_told = False, [], 0
        self.news, self.fields = News(), lambda: {"state": "running"}
        self.state, self.scoreboard = "running", SimpleNamespace(status=None)
        self.ticks, self.runs_as_told = 0, True
        self.store, self.attempts, self.clock = Store(), Attempts(), RedisClock(lease)
        self.heartbeat = Heartbeat(
            SimpleNamespace(connect=lambda: redis),
            lambda redis: self.store,
            self.attempts,
            SimpleNamespace(extend=self.extended.append),
            self.clock,
            Watchdog(),
            lease=lease,
            record=RECORD,
            live=self,
            news=self.news,
            scoreboard=self.scoreboard,
        )

    def changes(self):
        return self.fields()

    def tell_all(self):
        self.all_told += 1

    def status(self, contact):
        self.ticks += 1
        return self.state, contact

    async def announcements(self, count):
        """Wait until the record was written, or tried, so many times."""
        async with asyncio.timeout(10):
            while len(self.store.announced) < count:
                await asyncio.sleep(0.001)

    async def ticked(self, count=5):
        """Wait until the heartbeat has had so many occasions to renew."""
        until = self.ticks + count
        async with asyncio.timeout(10):
            while self.ticks < until:
                await asyncio.sleep(0.001)

    async def asked(self):
        """Wait until leases are renewed once more, or would be."""
        before = len(self.store.asked)
        async with asyncio.timeout(10):
            while len(self.store.asked) == before:
                await asyncio.sleep(0.001)

    def running(self, job_id):
        attempt = Attempt(job_id, 1, None)
        self.attempts.claim(attempt)
        self.attempts.start(attempt, guarded(asyncio.sleep(60), attempt))
        return attempt

    async def beat(self, *replies):
        """Wait until the heartbeat has had these replies, and the loop has heard of them."""
        self.store.replies += replies
        async with asyncio.timeout(10):
            while self.store.replies:
                self.heartbeat.renew_soon()
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


async def test_the_supervisor_hears_of_an_answer_and_of_an_outage(world):
    await world.beat(RenewalReply(NOW))
    assert world.clock.heard
    assert world.scoreboard.status == ("running", world.clock.heard)
    world.state = "away"
    await world.beat(RedisConnectionError("gone"))
    assert world.scoreboard.status[0] == "away"


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
        world.attempts.recorded(attempt)
        return RenewalReply(NOW, ["b:0"])

    await world.beat(meanwhile)
    assert attempt.state is State.GONE
    assert "lease is lost" not in caplog.text


async def test_it_goes_on_after_an_outage(world, caplog):
    await world.beat(RedisConnectionError("away"), RenewalReply(NOW + 9))
    assert world.clock.last == NOW + 9
    assert "Redis fails to renew leases" in caplog.text
    assert "Redis is back" in caplog.text


async def test_an_outage_is_told_once_with_the_time_of_the_last_answer(world):
    await world.beat(RenewalReply(NOW + 5))
    away = [RedisConnectionError("away")] * 2
    await world.beat(*away, RenewalReply(NOW + 9), RenewalReply(NOW + 10), RenewalReply(NOW + 11))
    told = [json.loads(beat.news)["events"] for beat in world.store.beats if beat.news]
    assert told == [[[name, "since", str(NOW + 5)] for name in ("redis_away", "redis_back")]]


async def test_news_are_told_until_redis_answers(world):
    world.news.note("worker_blocked", job="b:0")
    await world.beat(RedisConnectionError("away"), RenewalReply(NOW))
    told = [beat.news for beat in world.store.beats if beat.news]
    assert len(told) == 2
    assert told[0] == told[1]


async def test_after_an_outage_and_beside_the_record_all_fields_are_told(world):
    await world.announcements(1)
    await world.beat(RenewalReply(NOW))
    assert world.all_told == 1
    await world.beat(RedisConnectionError("away"), RenewalReply(NOW))
    await world.announcements(2)  # the record is written again, too
    assert world.all_told == 3


async def test_news_are_taken_before_the_fields_which_number_them(world):
    world.fields = lambda: {"seq": world.news.seq}
    world.news.note("worker_blocked")
    await world.beat(RenewalReply(NOW))
    (beat,) = [beat for beat in world.store.beats if beat.news]
    assert beat.fields == {"seq": json.loads(beat.news)["seq"]} == {"seq": "1"}


async def test_a_record_that_cannot_be_made_costs_no_renewal(world, caplog):
    def fail():
        raise RuntimeError("a fault of ours")

    world.fields = fail
    await world.beat(RenewalReply(NOW + 5))
    await world.beat(RenewalReply(NOW + 6))
    assert world.clock.last == NOW + 6
    assert world.store.beats[-1].fields == {}
    assert sum("cannot be made" in line for line in caplog.messages) == 1


async def test_the_end_tells_why_and_the_last_news():
    world = World()
    world.heartbeat.start()
    world.heartbeat.end = ("worker_recycled", "why", "enough")
    attempt = Attempt("b:0", 1, None)
    world.news.recorded([Record(attempt, "failed", b"", None, name="f")], ["recorded"])
    await world.heartbeat.stop(10)
    event, news = world.store.signed_off
    assert event == ("worker_recycled", "why", "enough")
    assert json.loads(news)["jobs"] == [["f", 2, 1]]


async def test_a_long_lease_is_no_reason_to_be_silent(monkeypatch):
    monkeypatch.setattr("gatherq_worker.engine.heartbeat._LONGEST", 0.01)
    world = World()
    world.running("b:0")
    world.heartbeat.start()
    async with asyncio.timeout(1.9):  # a quarter of the lease is 2 s
        while len(world.store.asked) < 3:
            await asyncio.sleep(0.001)
    await world.heartbeat.stop(10)


@pytest.fixture
async def idle(monkeypatch):
    """A heartbeat that could renew every 5 ms, and has nothing to renew, nor is it time to."""
    monkeypatch.setattr("gatherq_worker.engine.heartbeat._LONGEST", 3600.0)
    world = World(lease=0.02)
    world.heartbeat.start()
    await world.announcements(1)
    await world.ticked()
    yield world
    await world.heartbeat.stop(10)


async def test_an_idle_worker_renews_nothing_and_tells_its_supervisor(idle):
    before = len(idle.store.asked)
    idle.clock.seen(NOW + 7)  # a claim that found nothing
    await idle.ticked()
    assert len(idle.store.asked) == before
    assert idle.scoreboard.status == ("running", idle.clock.heard)


async def test_an_idle_worker_renews_as_soon_as_it_has_a_claim(idle):
    idle.attempts.claim(Attempt("b:0", 1, None))
    await idle.asked()
    assert idle.store.asked[-1] == (["b:0"], True)


async def test_what_a_short_job_has_changed_is_told_once(idle):
    attempt = idle.running("b:0")
    idle.attempts.record(attempt)
    idle.attempts.recorded(attempt)
    await idle.asked()
    await idle.ticked()
    before = len(idle.store.asked)
    await idle.ticked()
    assert len(idle.store.asked) == before


async def test_an_idle_worker_tells_events_at_once(idle):
    idle.news.note("worker_blocked", job="b:0")
    await idle.asked()
    assert idle.store.beats[-1].news


async def test_an_idle_worker_tells_at_once_that_its_state_has_changed(idle):
    idle.runs_as_told = False
    await idle.asked()


async def test_an_idle_worker_renews_now_and_then(monkeypatch, idle):
    monkeypatch.setattr("gatherq_worker.engine.heartbeat._LONGEST", 0.01)
    await idle.asked()
    await idle.asked()


async def test_the_record_is_written_at_once_and_again_with_the_same_beginning(often, world):
    await world.announcements(3)
    assert world.store.announced[:3] == [(RECORD, 0), (RECORD, NOW), (RECORD, NOW)]


async def test_the_record_is_written_at_once_after_an_outage(world):
    """With the outage it may have gone."""
    await world.announcements(1)
    await world.beat(RenewalReply(NOW + 5), RedisConnectionError("away"), RenewalReply(NOW + 6))
    await world.announcements(2)
    assert world.store.announced == [(RECORD, 0), (RECORD, NOW)]


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
