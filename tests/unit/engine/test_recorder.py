"""Outcomes on their way to Redis: in runs, repeated until they are there."""

import asyncio
import errno
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq.store.jobs import Record, RecordReply, Release
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion.recorder import Recorder


class Store:
    """Remembers what it was given; fails as often as it is told to."""

    def __init__(self, failures=0):
        self.failures = failures
        self.finished, self.released = [], []

    async def record(self, records):
        if self.failures:
            self.failures -= 1
            raise RedisConnectionError("away")
        await asyncio.sleep(0)
        self.finished.append([record.attempt.job_id for record in records])
        return RecordReply(["recorded"] * len(records), [], [])

    async def release(self, releases):
        self.released += [release.attempt.job_id for release in releases]


class Attempts:
    """Hears what Redis said."""

    def __init__(self, told):
        self.told = told

    def recorded(self, attempt):
        self.told.append("recorded")

    def released(self, release):
        self.told.append("released")


def record(n, size=10):
    return Record(Attempt(f"b:{n}", 1, None), "succeeded", b"x" * size, None)


@asynccontextmanager
async def recording(store, told=None):
    recorder = Recorder(store, Attempts([] if told is None else told))
    task = asyncio.create_task(recorder.run())
    yield recorder
    async with asyncio.timeout(10):
        await recorder.flushed()
    task.cancel()


async def test_outcomes_wait_for_redis_and_are_recorded_once(caplog):
    store, told = Store(failures=2), []
    async with recording(store, told) as recorder:
        recorder.put(record(1))
    assert store.finished == [["b:1"]]
    assert told == ["recorded"]
    states = [line.message for line in caplog.records]
    assert len(states) == 2  # one warning a change, whatever the number of failures
    assert states[0].startswith("Redis fails to record 1 outcomes")
    assert states[1] == "Redis is back"


async def test_what_is_left_of_a_write_that_was_stopped_is_written_by_the_next_run():
    """A worker that is told to stop ends its recorder, and begins another for the drain."""

    class Slow(Store):
        begun = asyncio.Event()

        async def record(self, records):
            self.begun.set()
            await asyncio.Event().wait()

    store = Slow()
    recorder = Recorder(store, Attempts([]))
    first = asyncio.create_task(recorder.run())
    recorder.put(record(1))
    await store.begun.wait()
    first.cancel()
    await asyncio.wait([first])
    store.record = Store.record.__get__(store)
    second = asyncio.create_task(recorder.run())
    async with asyncio.timeout(10):
        await recorder.flushed()
    assert store.finished == [["b:1"]]
    second.cancel()


async def test_outcomes_that_redis_refuses_are_told_in_one_line_of_each_kind(caplog):
    class Refusing(Store):
        async def record(self, records):
            return RecordReply(["gone", "refused", "gone", "recorded", "gone"], [], [])

    told = []
    async with recording(Refusing(), told) as recorder:
        for n in range(5):
            recorder.put(record(n))
    assert told == ["recorded"] * 5  # none is renewed any more
    assert [line.message for line in caplog.records] == [
        "job b:1: outcome refused, another attempt is the current one, or the job has ended",
        "job b:0 and 2 more: outcome refused, its batch is no longer in Redis",
    ]


async def test_it_knows_how_long_it_has_had_no_descriptor():
    store = Store(failures=100)

    async def fail(records):
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError as error:
            raise RedisConnectionError("Error 24 connecting") from error

    store.record, well = fail, store.record
    async with recording(store) as recorder:
        assert recorder.short_for() == 0
        recorder.put(record(1))
        while (short := recorder.short_for()) <= 0.1:
            await asyncio.sleep(0.01)
        assert short < 1
        store.failures, store.record = 0, well
        await recorder.flushed()
        assert recorder.short_for() == 0


async def test_what_comes_together_goes_together():
    store = Store()
    async with recording(store) as recorder:
        for n in range(100):
            recorder.put(record(n))
        recorder.release(Release(Attempt("b:100", 1, None)))
    assert store.finished == [[f"b:{n}" for n in range(100)]]
    assert store.released == ["b:100"]


@pytest.mark.parametrize(("count", "size", "runs"), [(600, 10, 3), (5, 1_500_000, 5)])
async def test_a_run_is_bounded_in_number_and_bytes(count, size, runs):
    store = Store()
    async with recording(store) as recorder:
        for n in range(count):
            recorder.put(record(n, size))
    assert len(store.finished) == runs
    assert [id_ for run in store.finished for id_ in run] == [f"b:{n}" for n in range(count)]
