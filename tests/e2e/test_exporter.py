"""`gatherq exporter` beside real workers: what it tells is what the workers did."""

import asyncio
import os
import re
import signal
import subprocess
from collections import Counter
from importlib.metadata import version

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatherq import Inspector
from gatherq.contract.statistics import BOUNDS, bucket
from gatherq.inspection.metrics.metric_table import METRICS

from ..conftest import gatherq, started, until
from ..proxy import Proxy
from . import counted

JOBS = ("adds", "fails", "hangs", "waits")


class Exporter:
    """A running exporter, and what it tells."""

    def __init__(self, process, address):
        self.process, self.address = process, address
        self._client = httpx.AsyncClient(timeout=30)

    async def told(self):
        """Return the values by name and labels, without the queue, in the order of their names."""
        answer = await self._client.get(self.address)
        assert answer.status_code == 200
        samples = [
            sample
            for found in text_string_to_metric_families(answer.text)
            for sample in found.samples
        ]
        return {(each.name, *labels(each)): each.value for each in samples}

    async def aclose(self):
        await self._client.aclose()


def labels(sample):
    return tuple(value for name, value in sorted(sample.labels.items()) if name != "queue")


@pytest.fixture
async def start_exporter(queue):
    """Start exporters of the queue; each is told its server."""
    started = []

    def start(url, *options):
        command = gatherq("exporter", "--port", "0", "--queue", queue, *options)
        environment = {**os.environ, "GATHERQ_REDIS_URL": url}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        line = process.stderr.readline()
        started.append(Exporter(process, re.search(r"http://\S+", line)[0]))
        return started[-1]

    yield start
    for each in started:
        await each.aclose()
        each.process.kill()
        each.process.wait()
        each.process.stderr.close()


def cells(outcomes):
    """Return what these outcomes add to the counters, by name and labels."""
    found = Counter()
    for name, each in outcomes:
        found["gatherq_jobs_finished_total", name, each.status] += 1
        run = round((each.finished - each.started).total_seconds() * 1000)
        for bound in [*map(str, BOUNDS), "+Inf"][bucket(run) :]:
            found["gatherq_job_run_seconds_bucket", name, bound] += 1
        found["gatherq_job_run_seconds_count", name] += 1
        if each.attempt == 1:
            found["gatherq_job_wait_seconds_count", name] += 1
    return found


def counters(told):
    """Return those of the counters that are no zeros."""
    kinds = ("finished_total", "run_seconds_bucket", "run_seconds_count", "wait_seconds_count")
    return Counter({key: n for key, n in told.items() if key[0].endswith(kinds) and n})


def ended(found):
    return sum(n for key, n in found.items() if key[0] == "gatherq_jobs_finished_total")


def calls(first, second):
    """Return 10,000 calls: a half of them, 200 that wait for a file, and the same again."""
    some = [
        counted.fails.call(n) if n % 10 == 1 else counted.hangs.call() if n % 100 == 2
        else counted.adds.call(n)
        for n in range(4_800)
    ]  # fmt: skip
    both = (*some, *[counted.waits.call(str(first))] * 200)
    return [*both, *some, *[counted.waits.call(str(second))] * 200]


@pytest.mark.long
async def test_a_batch_is_told_exactly_but_for_what_a_killed_worker_had_not_written(
    producer, server_url, queue, start_worker, start_exporter, tmp_path
):
    first, second = tmp_path / "first", tmp_path / "second"
    options = ("--processes", "0", "--statistics", "0.1")
    killed, kept = (start_worker(*options, module="counted", lease=1.0) for _ in range(2))
    exporter = start_exporter(server_url)
    async with until(90), Inspector(server_url, queue=queue) as inspector:
        while len(workers := await inspector.workers()) < 2:
            await asyncio.sleep(0.01)
        names = {worker.pid: worker.name for worker in workers}
        submitted = calls(first, second)
        batch = await producer.submit(submitted)

        async def so_far():
            """Return what has ended, by worker."""
            found = {name: [] for name in names.values()}
            async for slot in inspector.slots(batch.id, "-status:queued,waiting,running,retrying"):
                found[slot.outcome.worker].append((slot.name, slot.outcome))
            return {name: cells(outcomes) for name, outcomes in found.items()}

        # Half-way: both run jobs that wait. Soon all that has ended is told, and nothing else.
        while ended(counters(await exporter.told())) < 4_800:
            await asyncio.sleep(0.05)
        told = await exporter.told()
        half = await so_far()
        assert counters(told) == half[names[killed.pid]] + half[names[kept.pid]]
        assert told["gatherq_queue_jobs", "running"] == 200
        assert (
            told["gatherq_queue_jobs", "claimable"] < 1_000
        )  # of a large batch not all stand there
        states = [told["gatherq_queue_jobs", state] for state in ("claimable", "waiting")]
        assert sum(states) == 5_000
        assert told["gatherq_queue_demand",] == 5_200
        assert told["gatherq_queue_oldest_seconds",] > 0
        assert told["gatherq_workers", "running"] == 2

        # One is killed while it works; what it last said to have recorded is bounds of its share.
        first.touch()
        said = [ended(half[names[killed.pid]])]
        while said[-1] < said[0] + 500:
            found = {worker.name: worker.done for worker in await inspector.workers()}
            if found[names[killed.pid]] != said[-1]:
                said.append(found[names[killed.pid]])
        killed.kill()
        await asyncio.to_thread(killed.wait)
        last = {worker.name: worker.done for worker in await inspector.workers()}
        if last[names[killed.pid]] != said[-1]:
            said.append(last[names[killed.pid]])
        second.touch()
        outcomes = await batch.outcomes()
        while told.get(("gatherq_workers", "silent")) != 1:
            told = await exporter.told()
        recorded = await so_far()
        while told["gatherq_worker_outcomes_total", names[kept.pid]] != ended(
            recorded[names[kept.pid]]
        ):
            told = await exporter.told()

        # The other drains: all that it did is told, in all and by time, and nothing twice.
        kept.send_signal(signal.SIGTERM)
        await asyncio.to_thread(kept.wait)
        told = await exporter.told()
    statuses = Counter(outcome.status for outcome in outcomes)
    assert statuses == {"succeeded": 8_944, "failed": 960, "timed_out": 96}
    assert sum(map(ended, recorded.values())) == 10_000
    share = Counter(counters(told))
    share.subtract(recorded[names[kept.pid]])
    assert all(0 <= n <= recorded[names[killed.pid]][key] for key, n in share.items())
    assert said[-2] <= ended(share) <= said[-1] <= ended(recorded[names[killed.pid]])
    assert told["gatherq_queue_demand",] == told["gatherq_workers", "running"] == 0


async def test_every_metric_of_the_table_is_told(
    producer, server_url, start_worker, start_exporter
):
    start_worker(module="counted", lease=1.0)
    exporter = start_exporter(server_url)
    async with until(30):
        await producer.gather(counted.adds.call(1))
        told = {}
        while not any(key[0] == "gatherq_worker_memory_bytes" for key in told):
            told = await exporter.told()
    assert {key[0] for key in told} == {name for metric in METRICS for name in metric.samples}
    assert told["gatherq_redis_up",] == 1


async def test_it_outlives_the_server_and_ends_at_once_whatever_it_waits_for(
    server_url, start_exporter
):
    port = int(server_url.rpartition(":")[2].partition("/")[0])
    async with until(60), Proxy(port) as proxy:
        exporter = start_exporter(proxy.url)
        assert (await exporter.told())["gatherq_redis_up",] == 1
        proxy.swallow()
        told = await exporter.told()
        assert told == {("gatherq_redis_up",): 0, ("gatherq_info", version("gatherq")): 1}
        proxy.cut()
        proxy.heal()
        assert (await exporter.told())["gatherq_redis_up",] == 1
        proxy.swallow()
        asking = asyncio.create_task(exporter.told())
        await proxy.swallowed.wait()
        exporter.process.terminate()
        said = await asyncio.to_thread(exporter.process.stderr.read)
        await asyncio.to_thread(exporter.process.wait)
        with pytest.raises((httpx.TransportError, AssertionError)):
            await asking
    assert exporter.process.returncode == -signal.SIGTERM
    away, back = [line for line in said.splitlines() if "gatherq.metrics" in line]
    assert "Traceback" not in said
    assert "gatherq.metrics: nothing to tell of Redis: " in away
    assert back.endswith("gatherq.metrics: Redis is back")


async def test_one_line_says_where_it_is_and_what_it_tells_of(server_url, queue):
    command = gatherq("exporter", "--port", "0", "--queue", f"{queue}\n", "--queue", "b")
    url = server_url.replace("//", "//:secret@")
    with started([*command, "--redis", url], stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
    assert re.search(
        rf"http://127\.0\.0\.1:\d+/metrics tells of {queue}\\n, b of redis://:\*+@", line
    )
    assert (process.returncode, rest) == (130, "")
