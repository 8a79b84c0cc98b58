"""The task that queues what is due."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as Away

from gatherq import cron, job
from gatherq_worker.engine.scheduling.scheduler import Scheduler
from gatherq_worker.engine.scheduling.timetable import Timetable
from gatherq_worker.registry import Handler
from tests.conftest import until

START = 1_795_000_000_900  # 100 ms before a full second


@job()
@cron("* * * * * *")
def tick() -> None: ...


@job()
def never() -> None: ...


class Store:
    """Redis: its clock goes as fast as ours, and it is away as often as is said."""

    def __init__(self, away=0):
        self._began, self.away = asyncio.get_running_loop().time(), away
        self.asked, self.queued = 0, asyncio.Queue()

    async def now(self):
        self.asked += 1
        return START + round((asyncio.get_running_loop().time() - self._began) * 1000)

    async def enqueue(self, run):
        if self.away:
            self.away -= 1
            raise Away("away")
        self.queued.put_nowait((run.job_id, self.asked))
        return True


async def queued_first(store):
    """Run a scheduler until it has queued one; return which, and how often it had asked by then."""
    running = asyncio.create_task(scheduler(store, tick).run())
    async with until(10):
        first = await store.queued.get()
    running.cancel()
    await asyncio.wait([running])
    return first


def scheduler(store, *functions):
    return Scheduler(store, Timetable(map(Handler.of, functions), "q"))


async def test_it_sleeps_until_a_run_is_due():
    first, asked = await queued_first(Store())
    assert first == "cron:tick@q:1795000001000"
    assert asked <= 3  # a timer may be early by a part of a ms


async def test_what_redis_did_not_take_is_queued_when_it_is_back(caplog):
    first, _ = await queued_first(Store(away=2))
    assert first == "cron:tick@q:1795000001000"
    (said,) = [each.message for each in caplog.records if "queue" in each.message]
    assert said == "Redis fails to queue the scheduled jobs: ConnectionError: away; trying on"


async def test_without_schedules_it_asks_nothing():
    store = Store()
    async with until(10):
        await scheduler(store, never).run()
    assert store.asked == 0


async def test_a_cancellation_ends_it():
    running = asyncio.create_task(scheduler(Store(), tick).run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
