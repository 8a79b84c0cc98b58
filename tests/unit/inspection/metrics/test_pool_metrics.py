"""What Prometheus gets, whatever the server does."""

import asyncio
import logging

import pytest

from gatherq.errors import RedisUnavailable
from gatherq.inspection.metrics import pool_metrics
from gatherq.inspection.metrics.pool_metrics import PoolMetrics
from gatherq.inspection.metrics.snapshot import QueueSnapshot, Snapshot
from gatherq.inspection.queue_info import QueueInfo


class Inspector:
    """Stands in for one: has queues with and without workers, and may be away."""

    def __init__(self, working=(), others=()):
        self.working, self.others = list(working), list(others)
        self.away = self.looks = 0
        self.endless = self.silent = False

    async def queue_names(self, *, scan=True):
        if self.away:
            raise RedisUnavailable("Redis is not there", url="redis://there")
        if scan:
            self.looks += 1
        if scan and self.endless:
            await asyncio.Event().wait()
        return ["here", *self.working, *(self.others if scan else [])]

    async def now(self):
        if self.away:
            raise RedisUnavailable("Redis is not there", url="redis://there")
        return 0.0

    async def snapshot(self, queues):
        if self.silent:
            await asyncio.Event().wait()
        if self.away:
            raise RedisUnavailable("Redis is not there", url="redis://there")
        return Snapshot(queues=[QueueSnapshot(queue=QueueInfo(name=name)) for name in queues])


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def queues(metrics):
    """Return the queues that are told of."""
    content_type, text = await metrics.render()
    assert content_type.startswith("text/plain")
    lines = [line for line in text.decode().splitlines() if line.startswith("gatherq_queue_demand")]
    return [line.split('"')[1] for line in lines]


async def test_named_queues_are_told_of_and_no_others(clock):
    inspector = Inspector(["working"], ["idle"])
    metrics = PoolMetrics(inspector, ["b", "a"], clock)
    assert await queues(metrics) == ["b", "a"]
    assert inspector.looks == 0


async def test_all_are_found_and_a_look_at_all_keys_is_rare(clock):
    inspector = Inspector(["working"], ["idle"])
    metrics = PoolMetrics(inspector, (), clock)
    assert await queues(metrics) == ["here", "idle", "working"]
    inspector.working, inspector.others = ["new"], ["later"]
    assert await queues(metrics) == ["here", "idle", "new", "working"]  # and none is forgotten
    clock.now = 599
    assert await queues(metrics) == ["here", "idle", "new", "working"]
    assert inspector.looks == 1
    clock.now = 600
    assert await queues(metrics) == ["here", "later", "new"]
    assert inspector.looks == 2


async def test_there_are_a_hundred_queues_at_the_most(clock):
    metrics = PoolMetrics(Inspector([f"q{n}" for n in range(200)]), (), clock)
    assert len(await queues(metrics)) == 100


async def test_too_many_keys_leave_the_queues_with_workers(clock, monkeypatch, caplog):
    monkeypatch.setattr(pool_metrics, "_LOOK", 0.01)
    inspector = Inspector(["working"], ["idle"])
    inspector.endless = True
    metrics = PoolMetrics(inspector, (), clock)
    assert await queues(metrics) == ["here", "working"]
    assert await queues(metrics) == ["here", "working"]
    assert inspector.looks == 1
    assert [record.message for record in caplog.records] == [
        "cannot look at all keys for queues without workers: that takes longer than 0.01 s"
    ]


async def test_a_look_that_failed_is_made_up_for_when_the_server_is_back(clock):
    inspector = Inspector(["working"], ["idle"])
    inspector.away = True
    metrics = PoolMetrics(inspector, (), clock)
    assert await queues(metrics) == []
    inspector.away = False
    assert await queues(metrics) == ["here", "idle", "working"]


async def up(metrics):
    _, text = await metrics.render()
    return "gatherq_redis_up 1.0" in text.decode().splitlines()


@pytest.mark.parametrize("named", [(), ("here",)])
async def test_a_server_that_is_away_is_told_and_logged_once(clock, caplog, named):
    inspector = Inspector()
    metrics = PoolMetrics(inspector, named, clock)
    inspector.away = True
    assert not await up(metrics)
    assert not await up(metrics)
    assert await queues(metrics) == []
    inspector.away = False
    assert await up(metrics)
    assert await queues(metrics) == ["here"]
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.WARNING, "nothing to tell of Redis: Redis is not there"),
        (logging.WARNING, "Redis is back"),
    ]


async def test_a_server_that_is_silent_is_not_waited_for(clock, monkeypatch, caplog):
    monkeypatch.setattr(pool_metrics, "_PATIENCE", 0.01)
    monkeypatch.setattr(pool_metrics, "_LOOK", 0.01)
    inspector = Inspector()
    inspector.silent = True
    async with asyncio.timeout(10):
        assert not await up(PoolMetrics(inspector, ["q"], clock))
    assert "too long" in caplog.text
