"""What real workers tell of themselves while they work, and when they end."""

import asyncio
import json
import os
import signal

import pytest

from gatherq import Inspector
from gatherq.contract.keys import KeySpace
from gatherq.contract.statistics import decode
from tests.conftest import until

from . import jobs, telling


@pytest.fixture
def record(producer, queue):
    """Wait until the one worker of the queue has a record that satisfies; return it."""

    async def record(satisfies):
        keys = KeySpace(queue)
        while True:
            for worker in await producer.redis.zrange(keys.workers, 0, -1):
                raw = await producer.redis.hgetall(keys.worker(worker.decode()))
                found = {field.decode(): value.decode() for field, value in raw.items()}
                if "state" in found and "host" in found and satisfies(found):
                    return found
            await asyncio.sleep(0.01)

    return record


@pytest.fixture
def totals(producer, queue):
    """Wait until totals by name are what they should be."""

    async def totals(satisfies):
        while True:
            raw = await producer.redis.hgetall(KeySpace(queue).totals)
            found = {name.decode(): decode(vector) for name, vector in raw.items()}
            if satisfies(found):
                return found
            await asyncio.sleep(0.01)

    return totals


@pytest.fixture
def events(producer, queue):
    """Wait for the events of workers with these names; return their fields by name.

    They come in any order: a death may be told when the next process has told its start.
    """

    async def events(*names):
        while True:
            found = [fields for _, fields in await producer.redis.xrange(KeySpace(queue).events)]
            ours = [each for each in found if b"worker" in each]
            if sorted(each[b"event"].decode() for each in ours) == sorted(names):
                texts = [{k.decode(): v.decode() for k, v in each.items()} for each in ours]
                return {each["event"]: each for each in texts}
            await asyncio.sleep(0.01)

    return events


def progress_of(found):
    return {job["where"]: job.get("progress") for job in json.loads(found["jobs"])}


async def test_progress_is_seen_wherever_a_job_runs(
    producer, server_url, queue, start_worker, record, tmp_path
):
    start_worker(module="telling")
    path = str(tmp_path / "over")
    async with until(30):
        calls = [telling.in_loop.call(path), telling.in_thread.call(path)]
        batch = await producer.submit([*calls, telling.in_process.call(path)], timeout=60)
        expected = {
            "loop": {"done": 1, "total": 3, "note": "in the\\nloop"},
            "thread": {"done": 2, "total": 3, "note": ""},
            "process": {"done": 2.5, "total": None, "note": "é"},
        }
        found = await record(lambda found: progress_of(found) == expected)
        async with Inspector(server_url, queue=queue) as inspector:
            (worker,) = await inspector.workers()
        (tmp_path / "over").touch()
        outcomes = await batch.outcomes()
    assert [outcome.unwrap() for outcome in outcomes] == [None, None, 99_999]
    assert (found["state"], found["running"], found["held"]) == ("running", "3", "3")
    assert int(found["rss"]) > 1024 * 1024
    job = json.loads(found["jobs"])[0]
    assert (job["name"], job["limit"], job["attempt"]) == ("in_loop", 60, 1)
    assert {each.where: each.progress.done for each in worker.jobs} == {
        "loop": 1,
        "thread": 2,
        "process": 2.5,
    }
    assert worker.capacity == 100


async def test_a_fork_of_a_job_may_say_it_and_is_not_heard(producer, start_worker):
    start_worker(module="telling")
    async with until(30):
        calls = [telling.forks.call(before) for before in 5 * (True, False)]
        assert await producer.gather(*calls) == [0] * 10


async def test_what_blocks_the_loop_is_told_while_it_does(
    producer, start_worker, record, events, tmp_path
):
    start_worker(module="telling")
    async with until(30):
        batch = await producer.submit([telling.blocks.call(str(tmp_path / "over"))], timeout=60)
        found = await record(lambda found: found["state"] == "blocked")
        blocked = (await events("worker_started", "worker_blocked"))["worker_blocked"]
        (tmp_path / "over").touch()
        await record(lambda found: found["state"] == "running" and not found["blocked_by"])
        await batch.outcomes()
    id_, place = found["blocked_by"].split(" ", 1)
    assert id_ == blocked["job"] == f"{batch.id}:0"
    for told in (place, blocked["where"]):
        assert told.startswith("telling.py:")
        assert told.endswith("in _wait")
    assert int(found["lag_ms"]) >= 500


async def test_statistics_are_written_and_again_at_the_end(producer, start_worker, totals, record):
    worker = start_worker("--statistics", "0.1", module="telling")
    async with until(30):
        calls = [telling.again.call(), telling.fails.call(), telling.fails.call()]
        await (await producer.submit(calls)).outcomes()
        found = await totals(lambda found: len(found) == 2 and found["fails"].failed == 2)
        assert (await record(lambda found: found["done"] == "3"))["unrecorded"] == "0"
        worker.send_signal(signal.SIGTERM)
        await asyncio.to_thread(worker.wait)
        assert await totals(lambda found: True) == found
    assert (found["again"].succeeded, found["again"].retried) == (1, 1)
    assert (sum(found["fails"].run), sum(found["fails"].wait)) == (2, 2)
    assert sum(found["again"].wait) == 0  # its first attempt has no outcome
    assert sum(found["again"].run) == 1


@pytest.mark.parametrize("options", [(), ("--processes", "0")])
async def test_the_last_of_them_are_written_when_a_worker_ends(
    producer, start_worker, totals, events, options
):
    worker = start_worker("--statistics", "600", *options, module="telling")
    async with until(30):
        await (await producer.submit([telling.fails.call()] * 3)).outcomes()
        assert await totals(lambda found: True) == {}
        worker.send_signal(signal.SIGTERM)
        await asyncio.to_thread(worker.wait)
        found = await totals(lambda found: True)
        await events("worker_started", "worker_drained")
    assert found["fails"].failed == 3


async def test_statistics_can_be_off(producer, start_worker, totals):
    worker = start_worker("--statistics", "0", module="telling")
    async with until(30):
        await (await producer.submit([telling.fails.call()] * 3)).outcomes()
        worker.send_signal(signal.SIGTERM)
        await asyncio.to_thread(worker.wait)
        assert await totals(lambda found: True) == {}


async def test_a_worker_that_dies_is_told_by_its_supervisor(producer, start_worker, record, events):
    start_worker()
    async with until(40):
        await producer.gather(jobs.echo.call(1))  # its supervisor knows of it by then
        pid = int((await record(lambda found: True))["pid"])
        os.kill(pid, signal.SIGKILL)
        told = await events("worker_started", "worker_died", "worker_started")
    assert told["worker_died"]["how"] == "killed by SIGKILL (out of memory, or by a person)"


async def test_a_worker_that_has_done_enough_says_why_it_ends(producer, start_worker, events):
    start_worker("--max-jobs-per-child", "2")
    async with until(40):
        await producer.gather(*(jobs.echo.call(n) for n in range(2)))
        told = await events("worker_started", "worker_recycled", "worker_started")
    assert told["worker_recycled"]["why"] == "it has started 2 jobs"


async def test_a_worker_that_is_ended_for_a_job_tells_its_timeout(
    producer, start_worker, events, totals
):
    start_worker("--statistics", "600", module="telling")
    async with until(40):
        batch = await producer.submit([telling.resists.call()], timeout=1.5)
        (outcome,) = await batch.outcomes()
        names = ("worker_started", "worker_blocked", "worker_recycled", "worker_started")
        recycled = (await events(*names))["worker_recycled"]
        found = (await totals(lambda found: True))["resists"]
    assert outcome.status == "timed_out"
    assert recycled["why"] == f"job '{batch.id}:0' (resists) cannot be stopped"
    assert (found.timed_out, found.ended, sum(found.run)) == (1, 1, 1)
