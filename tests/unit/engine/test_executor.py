"""Where an attempt runs, when it has begun, and what becomes of one that could not."""

import asyncio
import os
import threading
import time

import pytest

from gatherq import job
from gatherq_worker.attempt import State
from gatherq_worker.registry import Handler

from .parts import Parts


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
        self.heard.append((attempt.job_id, place, attempt.state))

    def leave(self, attempt):
        self.heard.append((attempt.job_id, "left"))


class World(Parts):
    def __init__(self):
        jobs = [in_the_loop, in_a_thread, apart, asleep, swallows_alone]
        self.scoreboard = Scoreboard()
        super().__init__(map(Handler.of, jobs), scoreboard=self.scoreboard)

    def attempt(self, job, **fields):
        return super().attempt(job.definition.name, **fields)


@pytest.fixture
async def world():
    world = World()
    yield world
    world.places.stop()


@pytest.mark.parametrize(
    ("job", "place"), [(in_the_loop, "loop"), (in_a_thread, "thread"), (apart, "process")]
)
async def test_the_page_hears_when_an_attempt_begins(world, job, place):
    attempt = world.attempt(job)
    await asyncio.wait_for(world.launch(attempt), 10)
    name = job.definition.name
    assert world.scoreboard.heard == [(name, place, State.RUNNING)]  # it is left with its record
    (record,), releases = world.recorder.waiting()
    assert (record.status, releases) == ("succeeded", [])
    assert attempt.places == ()


async def test_what_waits_has_not_begun(world):
    running = [world.launch(world.attempt(apart, job_id=f"b:{n}")) for n in range(20)]
    waiting = world.attempt(apart)
    task = world.launch(waiting)
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    assert waiting.state is State.WAITING
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (waiting.job_id, "process", State.RUNNING) not in world.scoreboard.heard
    for one in running:
        one.cancel()
    await asyncio.wait(running)


async def test_suspects_have_processes_of_their_own_kind(world):
    assert world.places.left_apart == 2
    suspects = [world.attempt(asleep, apart=True, job_id=f"b:{n}") for n in range(3)]
    tasks = list(map(world.launch, suspects))
    await asyncio.sleep(0)
    assert world.places.left_apart == 0
    async with asyncio.timeout(10):  # they hold up no job that asked for a process
        await world.launch(world.attempt(apart))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert world.places.left_apart == 2


@pytest.mark.parametrize(
    "error", [RuntimeError("can't start new thread"), MemoryError(), OSError(11, "EAGAIN")]
)
async def test_what_cannot_begin_is_given_back_uncharged_with_a_delay(world, monkeypatch, error):
    def fails(thread):
        raise error

    attempt = world.attempt(in_a_thread)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fails)
        await world.launch(attempt)
    assert (attempt.state, attempt.places) == (State.RELEASING, ())
    records, (release,) = world.recorder.waiting()
    assert records == []
    assert (release.attempt, release.delay, release.charge) == (attempt, 1.0, False)


async def test_a_place_is_given_back_by_who_is_abandoned_not_a_second_time_at_its_end(world):
    attempt = world.attempt(asleep, apart=True)
    task = world.launch(attempt)
    async with asyncio.timeout(10):
        while attempt.state is State.WAITING:
            await asyncio.sleep(0.01)
    attempt.free()
    assert world.places.left_apart == 2
    task.cancel()
    await asyncio.wait([task])
    assert world.places.left_apart == 2


async def test_what_is_lost_and_does_not_end_keeps_its_place_no_longer_than_its_grace(world):
    first, second = (world.attempt(swallows_alone, job_id=name) for name in "ab")
    tasks = [world.launch(first), world.launch(second)]
    async with asyncio.timeout(1):
        while first.state is State.WAITING:
            await asyncio.sleep(0)
        assert second.state is State.WAITING
        world.attempts.lose([first])
        while second.state is State.WAITING:
            await asyncio.sleep(0.01)
    assert not tasks[0].done()
    await asyncio.wait(tasks)
