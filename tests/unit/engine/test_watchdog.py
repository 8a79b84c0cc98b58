"""The watchdog, in a thread, beside a loop that is blocked."""

import asyncio
import json
import re
import threading
import time
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest

from gatherq.contract.current_job import CurrentJob, set_current
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.engine.conclusion.finalizer import Finalizer
from gatherq_worker.engine.loop_watch import watchdog as module
from gatherq_worker.engine.loop_watch.pulse import Pulse
from gatherq_worker.engine.loop_watch.watchdog import Watchdog
from gatherq_worker.engine.observers import Observer, Observers
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.engine.redis_clock import RedisClock
from gatherq_worker.engine.worker_record.news import News
from gatherq_worker.execution.guarded_task import guarded
from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.ipc.scoreboard import Scoreboard


class Ended(BaseException):
    """In place of the end of the process."""


class Recorder:
    short = 0.0

    def __init__(self):
        self.records = []

    def waiting(self):
        return [], []

    def short_for(self):
        return self.short

    def put(self, record):
        self.records.append(record)


class Store:
    """What Redis does meanwhile is the test's to say."""

    def __init__(self, meanwhile=lambda: None):
        self.meanwhile = meanwhile
        self.finished, self.released, self.payloads = [], [], []

    async def record_and_maintain(self, records):
        self.meanwhile()
        self.finished += [record.attempt.job_id for record in records]
        self.payloads += [record.payload for record in records]
        return ["recorded"] * len(records)

    async def release(self, releases):
        self.released += [release.attempt.job_id for release in releases]

    async def sign_off(self, end):
        self.end = end


class Told(Observer):
    def __init__(self):
        self.ends = []

    def job_ended(self, event):
        self.ends.append((event.attempt.job_id, event.verdict.status))


class Dog:
    """A watchdog over some attempts, in a thread of its own."""

    def __init__(self, *running, lease=1.0, page=None, **times):
        self.attempts, self.recorder = Attempts(page), Recorder()
        for attempt in running:
            self.attempts.claim(attempt)
            self.attempts.start(attempt, guarded(asyncio.sleep(60), attempt))
            self.attempts.begin(attempt)
        self.told = Told()
        options, observers = EngineOptions(lease=lease), Observers([self.told])
        clock = RedisClock(lease)
        clock.seen(1_700_000_000_000)
        finalizer = Finalizer(options, self.attempts, self.recorder, observers, clock, "w", "q")
        self.ended = threading.Event()
        places = SimpleNamespace(close=self.ended.set)
        self.news = News()
        self.watchdog = Watchdog(
            self.attempts, finalizer, places, options, page, self.news, **times
        )

    @contextmanager
    def watching(self, store):
        loops = []

        async def watch():
            loops.append((asyncio.get_running_loop(), asyncio.current_task()))
            await self.watchdog.run(store)

        def run():
            with suppress(Ended, asyncio.CancelledError):
                asyncio.run(watch())

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield thread
        loop, task = loops[0]
        with suppress(RuntimeError):  # it has ended
            loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


@pytest.fixture(autouse=True)
def no_exit(monkeypatch):
    def exit_(code):
        raise Ended

    monkeypatch.setattr(module.os, "_exit", exit_)
    monkeypatch.setattr(module.logging, "shutdown", lambda: None)
    monkeypatch.setattr(module.interrupt, "install", lambda over: None)


def overdue(job_id="b:0"):
    attempt = Attempt(job_id, 1, None)
    attempt.deadline = attempt.overdue = time.monotonic() - 1
    attempt.limit = 1.0
    return attempt


async def test_a_process_whose_loop_is_blocked_by_what_is_overdue_is_ended():
    dog, store = Dog(overdue(), Attempt("b:1", 1, None)), Store()
    with dog.watching(store) as thread:
        thread.join(10)  # blocks the loop
    assert dog.ended.is_set()
    assert (store.finished, store.released) == (["b:0"], ["b:1"])


async def test_a_loop_that_is_free_again_by_then_keeps_its_process():
    """Redis is slow: what blocked the loop ends while the outcome is written."""
    asked, free = threading.Event(), threading.Event()

    def meanwhile():
        asked.set()
        assert free.wait(10)

    dog, store = Dog(overdue()), Store(meanwhile)
    with dog.watching(store):
        assert asked.wait(10)  # blocks the loop
        await asyncio.sleep(0.05)  # it answers
        free.set()
        while not store.finished:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # some looks later
    assert not dog.ended.is_set()
    assert store.released == []


async def test_a_timeout_that_redis_refuses_is_told(caplog):
    class Refusing(Store):
        async def record_and_maintain(self, records):
            await super().record_and_maintain(records)
            return ["gone"] * len(records)

    asked = threading.Event()
    dog = Dog(overdue())
    with dog.watching(Refusing(asked.set)):
        assert asked.wait(10)  # blocks the loop
        while dog.attempts.claim_count:  # the loop hears of it
            await asyncio.sleep(0.01)
    assert "job b:0: outcome refused, its batch is no longer in Redis" in caplog.text


async def test_a_process_that_has_no_descriptor_left_for_its_outcomes_is_ended(caplog):
    dog, store = Dog(Attempt("b:1", 1, None)), Store()
    with dog.watching(store) as thread:
        await asyncio.sleep(0.3)
        assert not dog.ended.is_set()
        dog.recorder.short = 60.0
        await asyncio.to_thread(thread.join, 10)
    assert dog.ended.is_set()
    assert store.released == ["b:1"]
    assert "no descriptors are left" in caplog.text


async def test_it_survives_whatever_a_look_raises(caplog):
    failed = []

    def meanwhile():
        failed.append(1)
        if len(failed) < 3:
            raise ValueError("what Redis has is damaged")

    dog, store = Dog(overdue()), Store(meanwhile)
    with dog.watching(store) as thread:
        thread.join(10)
    assert len(failed) == 3
    assert dog.ended.is_set()
    # Told once, however often it is recorded.
    assert dog.told.ends == [("b:0", "timed_out")]
    assert store.finished == ["b:0"]
    assert caplog.text.count("the watchdog fails; it goes on") == 1


@pytest.mark.parametrize("takes", [True, False])
async def test_what_timed_out_while_the_loop_was_blocked_and_does_not_end_takes_no_slot(takes):
    def meanwhile():
        asked.set()
        if not takes:
            assert free.wait(10)
            raise ConnectionError("away")

    async def stays():
        with suppress(asyncio.CancelledError):
            await over.wait()
        await over.wait()

    over = asyncio.Event()
    asked, free, late = threading.Event(), threading.Event(), overdue()
    late.grace, dog = 0.01, Dog()
    dog.attempts.claim(late)
    task = guarded(stays(), late)
    dog.attempts.start(late, task)
    dog.attempts.begin(late)
    await asyncio.sleep(0)
    with dog.watching(Store(meanwhile)):
        assert asked.wait(10)  # blocks the loop
        free.set()
        async with asyncio.timeout(10):
            while dog.attempts.task_count:
                await asyncio.sleep(0.01)
    over.set()
    await asyncio.wait([task])


async def test_a_timeout_that_redis_did_not_take_is_left_to_the_loop_once_it_answers():
    asked, free = threading.Event(), threading.Event()

    def meanwhile():
        asked.set()
        assert free.wait(10)
        raise ConnectionError("away")

    dog, store = Dog(overdue()), Store(meanwhile)
    with dog.watching(store):
        assert asked.wait(10)  # blocks the loop
        free.set()
        async with asyncio.timeout(10):
            while not dog.recorder.records:
                await asyncio.sleep(0.01)
    (record,) = dog.recorder.records
    assert (record.attempt.job_id, record.status) == ("b:0", "timed_out")
    assert record.attempt.state is State.RECORDING
    assert store.finished == []
    assert dog.told.ends == [("b:0", "timed_out")]


async def test_what_nobody_owns_blocks_for_so_long_and_no_longer():
    page = Scoreboard()
    dog, store = Dog(Attempt("b:1", 1, None), page=page, longest=0.5), Store()
    assert dog.watchdog.alive()
    with dog.watching(store) as thread:
        begun = time.monotonic()
        thread.join(10)
    assert 0.5 <= time.monotonic() - begun < 5
    assert store.released == ["b:1"]
    assert not dog.watchdog.alive()
    assert page.farewell is Farewell.RECYCLE
    page.close()


@pytest.mark.parametrize(("number", "alive"), [(1, True), (2, False)])
async def test_a_running_job_that_blocks_within_its_limit_is_alive_what_it_left_is_not(
    number, alive
):
    """The job that the code belongs to is found by its context, in a task and in a callback."""
    dog = Dog(Attempt("b:0", 1, None), longest=0.3, blocked=60.0)  # nobody acts on it here
    found = []

    def block():
        while not found:
            time.sleep(0.01)

    def ask():
        time.sleep(0.6)
        found.append(dog.watchdog.alive())

    async def leave_behind():
        set_current(CurrentJob("b:0", "b", 0, "f", number, None, None))
        asyncio.get_running_loop().call_soon(block)
        await asyncio.create_task(asyncio.sleep(0))

    with dog.watching(Store()):
        await asyncio.sleep(0.25)
        asking = threading.Thread(target=ask)
        asking.start()
        await asyncio.create_task(leave_behind())
        asking.join()
    assert found == [alive]


async def test_time_in_which_the_whole_process_was_stopped_is_not_counted():
    pulse = Pulse(asyncio.get_running_loop())
    assert pulse.beat(100.0) == 0.0
    assert pulse.beat(100.2) == pytest.approx(0.2)
    pulse.forgive(60.0)
    assert pulse.beat(160.3) == pytest.approx(0.3)
    await asyncio.sleep(0)
    assert pulse.silence(200.0) == 0.0
    assert pulse.beat(200.0) == 0.0


async def test_the_longest_silence_is_told_once():
    now = [100.0]
    pulse = Pulse(asyncio.get_running_loop(), lambda: now[0])
    pulse.beat(now[0])
    now[0] = 100.4
    assert pulse.lag() == pytest.approx(0.4)
    await asyncio.sleep(0)  # it answers
    now[0] = 100.5
    pulse.beat(now[0])
    await asyncio.sleep(0)
    assert pulse.lag() == pytest.approx(0.4)
    assert pulse.lag() == 0.0


async def test_what_blocks_is_told_by_job_and_place(monkeypatch):
    monkeypatch.setattr(module, "_WORTH_A_LINE", 0.4)
    dog, found, over = Dog(Attempt("b:0", 1, None), blocked=0.3, longest=60.0), [], []

    def block():
        while not over:
            time.sleep(0.01)

    async def blocks():
        set_current(CurrentJob("b:0", "b", 0, "f", 1, None, None))
        block()

    def ask():
        while not (told := dog.watchdog.blocked_by()):
            time.sleep(0.01)
        found.append(told)
        while not (news := dog.news.take()):
            time.sleep(0.01)
        found.append(json.loads(news)["events"])
        over.append(True)

    assert dog.watchdog.blocked_by() == ""
    with dog.watching(Store()):
        await asyncio.sleep(0.25)
        asking = threading.Thread(target=ask)
        asking.start()
        await asyncio.create_task(blocks())
        asking.join()
    blocked_by, ((event, _, job_id, _, where),) = found
    assert re.fullmatch(r"b:0 tests/unit/engine/test_watchdog\.py:\d+ in block", blocked_by)
    assert (event, job_id) == ("worker_blocked", "b:0")
    assert where.startswith("tests/unit/engine/test_watchdog.py:")


async def test_what_is_interrupted_is_told_first_however_short_its_limit(monkeypatch, caplog):
    said, interrupted = [], threading.Event()

    def interrupt(target):
        said.append(caplog.text)
        interrupted.set()

    monkeypatch.setattr(module.interrupt, "install", lambda over: threading.get_ident())
    monkeypatch.setattr(module.interrupt, "interrupt", interrupt)
    late = Attempt("b:0", 1, None)
    late.deadline, late.overdue = time.monotonic(), time.monotonic() + 60

    async def blocks():
        set_current(CurrentJob("b:0", "b", 0, "f", 1, None, None))
        while not interrupted.is_set():
            time.sleep(0.01)  # noqa: ASYNC251 (it blocks the loop, and can be interrupted)

    dog = Dog(late)
    with dog.watching(Store()):
        await asyncio.create_task(blocks())
    assert re.search(r"'b:0'.* blocks the event loop for 0\.\d s: .* in blocks", said[0])
    assert dog.watchdog.blocks == 1


async def test_a_process_that_is_ended_says_why_and_what_it_recorded():
    dog, store = Dog(overdue(), Attempt("b:1", 1, None)), Store()
    with dog.watching(store) as thread:
        thread.join(10)  # blocks the loop
    event, news = store.end
    assert event == ("worker_recycled", "why", "something cannot be stopped")
    (row,) = json.loads(news)["jobs"]
    assert row[:3] == ["<unknown>", 3, 1]
