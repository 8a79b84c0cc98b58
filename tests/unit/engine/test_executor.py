"""Where an attempt runs, when it has begun, and what becomes of one that could not."""

import asyncio
import os
import threading
import time
from time import time as now

import pytest

from gatherq import job
from gatherq.contract.records import JobRecord
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.claims import Held
from gatherq_worker.engine.conclusion.finalizer import Finalizer
from gatherq_worker.engine.conclusion.recorder import Recorder
from gatherq_worker.engine.executions import Running
from gatherq_worker.engine.executor import Executor
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.engine.redis_clock import RedisClock
from gatherq_worker.registry import Handler, Registry


@job()
async def in_the_loop() -> int:
    await asyncio.sleep(0)
    return os.getpid()


@job()
def in_a_thread() -> int:
    return threading.get_native_id()


@job(isolation="process")
def apart() -> int:
    time.sleep(0.2)
    return os.getpid()


@job()
async def asleep() -> None:
    await asyncio.sleep(60)


@job(concurrency=1, grace=0.05)
async def swallows_alone() -> None:
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue


class Scoreboard:
    """Hears of what begins and ends."""

    def __init__(self):
        self.memory = bytearray(4096)
        self.heard = []

    def enter(self, attempt, place):
        self.heard.append((attempt.job_id, place, attempt.begun))

    def leave(self, attempt):
        self.heard.append((attempt.job_id, "left"))


class World:
    def __init__(self):
        contact, policy = RedisClock(5.0), EngineOptions()
        contact.seen(round(now() * 1000))
        self.page, self.recorder = Scoreboard(), Recorder(None, None)
        settler = Finalizer(policy, self.recorder, contact.now, "w", "q")
        functions = [in_the_loop, in_a_thread, apart, asleep, swallows_alone]
        handlers = Registry(map(Handler.of, functions))
        self.settler = settler
        self.runner = Executor(handlers, policy, settler, contact, self.page)

    def attempt(self, job, **fields):
        record = JobRecord(f=job.definition.name, a=[], k={}, et=round(now() * 1000))
        attempt = Attempt(record.name, 1, record)
        for name, value in fields.items():
            setattr(attempt, name, value)
        return attempt


@pytest.fixture
async def world():
    world = World()
    yield world
    world.runner.stop()


@pytest.mark.parametrize(
    ("job", "place"), [(in_the_loop, "loop"), (in_a_thread, "thread"), (apart, "process")]
)
async def test_the_page_hears_when_an_attempt_begins(world, job, place):
    attempt = world.attempt(job)
    await asyncio.wait_for(world.runner.run(attempt), 10)
    name = job.definition.name
    assert world.page.heard == [(name, place, True)]  # it is left with its record
    (record,), releases = world.recorder.waiting()
    assert (record.status, releases) == ("succeeded", [])
    assert attempt.places == ()


async def test_what_waits_has_not_begun(world):
    running = [asyncio.create_task(world.runner.run(world.attempt(apart))) for _ in range(20)]
    waiting = world.attempt(apart)
    task = asyncio.create_task(world.runner.run(waiting))
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    assert not waiting.begun
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not waiting.begun
    for one in running:
        one.cancel()
    await asyncio.wait(running)


async def test_suspects_have_processes_of_their_own_kind(world):
    assert world.runner.room_apart == 2
    suspects = [world.attempt(asleep, isolated=True) for _ in range(3)]
    tasks = [asyncio.create_task(world.runner.run(attempt)) for attempt in suspects]
    await asyncio.sleep(0)
    assert world.runner.room_apart == 0
    async with asyncio.timeout(10):  # they hold up no job that asked for a process
        await world.runner.run(world.attempt(apart))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert world.runner.room_apart == 2


@pytest.mark.parametrize(
    "error", [RuntimeError("can't start new thread"), MemoryError(), OSError(11, "EAGAIN")]
)
async def test_what_cannot_begin_is_given_back_uncharged_with_a_delay(world, monkeypatch, error):
    def fails(thread):
        raise error

    attempt = world.attempt(in_a_thread)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fails)
        await world.runner.run(attempt)
    assert (attempt.begun, attempt.given_back, attempt.places) == (False, True, ())
    records, (release,) = world.recorder.waiting()
    assert records == []
    assert (release.attempt, release.delay, release.charge) == (attempt, 1.0, False)


async def test_a_place_is_given_back_by_who_is_abandoned_not_a_second_time_at_its_end(world):
    attempt = world.attempt(asleep, isolated=True)
    task = asyncio.create_task(world.runner.run(attempt))
    async with asyncio.timeout(10):
        while not attempt.begun:
            await asyncio.sleep(0.01)
    attempt.free()
    assert world.runner.room_apart == 2
    task.cancel()
    await asyncio.wait([task])
    assert world.runner.room_apart == 2


async def test_what_is_lost_and_does_not_end_keeps_its_place_no_longer_than_its_grace(world):
    running = Running(world.runner, world.settler, world.recorder, Held())
    first, second = (world.attempt(swallows_alone, job_id=name) for name in "ab")
    running.start(first)
    running.start(second)
    tasks = list(running.tasks.values())
    async with asyncio.timeout(1):
        while not first.begun:
            await asyncio.sleep(0)
        assert not second.begun
        running.lost([first])
        while not second.begun:
            await asyncio.sleep(0.01)
    assert not tasks[0].done()
    await asyncio.wait(tasks)
