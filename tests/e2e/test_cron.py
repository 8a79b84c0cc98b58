"""Jobs on a schedule, in real worker processes."""

import asyncio
import json
import subprocess
from collections import Counter
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from gatherq import Inspector
from tests.conftest import HERE, gatherq, lines_of, until
from tests.proxy import Proxy

#: Room for what waits for whole seconds on a busy machine.
ROOM = 60


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """The file that the jobs write into."""
    path = tmp_path / "ledger"
    monkeypatch.setenv("GATHERQ_TEST_LEDGER", str(path))
    return path


@pytest.fixture
async def redis(server_url):
    async with Redis.from_url(server_url) as client:
        yield client


async def workers_on(server_url, queue, count):
    """Wait until so many workers are there."""
    async with Inspector(server_url, queue=queue) as inspector:
        while sum(worker.alive for worker in await inspector.workers()) < count:
            pass


def runs_of(name, lines):
    """Return the ids of the runs of a job."""
    return [line.split()[0] for line in lines if line.startswith(f"cron:{name}@")]


async def test_two_idle_workers_run_each_time_once(start_worker, server_url, queue, redis, ledger):
    for _ in range(2):
        start_worker(module="scheduled")
    async with until(ROOM):
        await workers_on(server_url, queue, 2)
        lines = await lines_of(ledger, 1)
        lines = await lines_of(ledger, len(lines) + 9)
        while len(runs_of("tock", lines)) < 2:
            lines = await lines_of(ledger, len(lines) + 1)
        result = f"arq:result:{runs_of('tock', lines)[0]}"
        while not (raw := await redis.get(result)):
            pass
    ticks, tocks = runs_of("tick", lines), runs_of("tock", lines)
    assert max(Counter(ticks + tocks).values()) == 1
    assert {id_[-3:] for id_ in ticks} == {"000"}
    assert {int(id_[-4:]) % 2000 for id_ in tocks} == {0}
    assert not runs_of("yearly", lines)  # none was missed
    outcome = json.loads(raw)
    assert (outcome["status"], outcome["t"], outcome["batch"]) == ("succeeded", 2, None)
    assert 0 < await redis.pttl(result) <= 3_600_000  # as any job without a batch


@pytest.mark.long
async def test_a_worker_that_does_not_know_the_job_leaves_it_to_others(
    start_worker, server_url, queue, redis, ledger
):
    start_worker()
    async with until(ROOM):
        await workers_on(server_url, queue, 1)
        start_worker(module="scheduled")
        await lines_of(ledger, 9)
    results = [key async for key in redis.scan_iter(f"arq:result:cron:t?ck@{queue}:*", 10_000)]
    assert {json.loads(result)["status"] for result in await redis.mget(results)} == {"succeeded"}


async def test_times_at_which_redis_is_away_end_no_worker(start_worker, server_url, ledger):
    async with Proxy(urlsplit(server_url).port) as proxy, until(ROOM):
        worker = start_worker("--redis", proxy.url, "--processes", "0", module="scheduled")
        before = await lines_of(ledger, 2)
        proxy.swallow()
        await asyncio.sleep(2.5)  # the outage, with two of them at least
        proxy.cut()
        proxy.heal()
        lines = await lines_of(ledger, len(before) + 5)
        assert worker.poll() is None
    assert max(Counter(line.split()[0] for line in lines).values()) == 1


def test_the_check_tells_of_schedules_and_a_burst_keeps_none(server_url, queue, ledger):
    command = gatherq("worker", "scheduled", "--redis", server_url, "--queue", queue)

    def run(*words):
        given = {"cwd": HERE / "e2e", "capture_output": True, "text": True, "timeout": 60}
        return subprocess.run([*command, *words], check=False, **given)

    checked = run("--check")
    assert checked.returncode == 1  # no worker is there
    tick, tock, yearly = checked.stdout.splitlines()
    assert tick.startswith("tick: * * * * * * (UTC), next 20")
    assert tock.startswith("tock: */2 * * * * * (Europe/Berlin), next 20")
    assert tock.endswith((" CET", " CEST"))
    assert yearly.endswith("-01-01 00:00:00 UTC")
    assert "schedule" not in run("--burst").stderr
    assert not ledger.exists()


async def test_the_start_line_says_how_many(start_worker, ledger, capfd):
    start_worker(module="scheduled")
    said = ""
    async with until(ROOM):
        while "ready: " not in said:
            await asyncio.sleep(0.01)
            said += capfd.readouterr().err
    assert said.rstrip().endswith("; runs tick, tock, yearly; keeps 3 schedules")
