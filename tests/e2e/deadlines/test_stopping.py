"""One stop is one stop, whoever signals it, and it is over in time, whatever the server does."""

import asyncio
import os
import signal
import subprocess
from time import monotonic

import pytest
from redis import Redis

from gatherq import Producer, Succeeded
from gatherq.testing.server import embedded_server, free_port
from tests.conftest import until

from . import stuck
from .test_supervisor import started
from .test_timeouts import ledger  # noqa: F401


def tree(pid):
    """Return a process and all below it."""
    said = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in said.stdout.splitlines()[1:]]
    found = [pid]
    for one in found:
        found += [child for child, parent in pairs if parent == one]
    return found


def tell(pids, signum=signal.SIGTERM):
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


async def ended(supervisor):
    """Wait for the end; return the seconds that it took, and the exit code."""
    begun = monotonic()
    code = await asyncio.to_thread(supervisor.wait)
    return monotonic() - begun, code


async def nobody_was_charged(start_worker, ledger, runs):  # noqa: F811
    start_worker("--grace", "0", module="deadlines.stuck")
    await started(ledger, runs)
    assert {line[3] for line in ledger.lines()} == {"1"}


@pytest.mark.parametrize(
    "again",
    [
        None,
        "at once",
        pytest.param("tree", marks=pytest.mark.long),
        "tree, 50 ms apart",
        pytest.param("child first", marks=pytest.mark.long),
    ],
)
async def test_running_jobs_get_their_grace(
    producer,
    start_worker,
    ledger,  # noqa: F811
    again,
):
    supervisor = start_worker("--grace", "1.5", module="deadlines.stuck")
    async with until(60):
        calls = [stuck.sleeps.call(ledger.path, seconds) for seconds in (1, 30)]
        batch = await producer.submit(calls, timeout=60)
        await started(ledger, 2)
        pids = tree(supervisor.pid)
        if again == "child first":
            tell(reversed(pids))
            await asyncio.sleep(0.05)
        tell(pids if again and "tree" in again else [supervisor.pid])
        if again in ("at once", "tree, 50 ms apart"):
            await asyncio.sleep(0.05)
            tell(pids if "tree" in again else [supervisor.pid], signal.SIGINT)
        took, code = await ended(supervisor)
        assert (code, (await batch.counts()).succeeded) == (0, 1)
        assert 1.4 < took < 1.5 + 1
        await nobody_was_charged(start_worker, ledger, 3)


@pytest.mark.parametrize("processes", ["0", "1"])
async def test_a_second_signal_a_second_later_means_at_once(
    producer,
    start_worker,
    ledger,  # noqa: F811
    processes,
):
    options = ("--grace", "20", "--processes", processes)
    supervisor = start_worker(*options, module="deadlines.stuck")
    async with until(60):
        await producer.submit([stuck.sleeps.call(ledger.path, 30)], timeout=60)
        await started(ledger, 1)
        tell([supervisor.pid])
        await asyncio.sleep(1.1)
        tell([supervisor.pid])
        took, code = await ended(supervisor)
        assert (code, took < 5) == (0, True), took
        await nobody_was_charged(start_worker, ledger, 2)


@pytest.mark.parametrize("processes", ["1", pytest.param("0", marks=pytest.mark.long)])
@pytest.mark.parametrize("server", ["answers nobody", "is gone"])
async def test_it_is_over_a_second_after_the_grace_whatever_the_server_does(
    start_worker,
    ledger,  # noqa: F811
    queue,
    processes,
    server,
    capfd,
):
    grace, port = 1.5, free_port()
    with embedded_server(port) as (url, _):
        options = ("--redis", url, "--grace", str(grace), "--processes", processes)
        supervisor = start_worker(*options, module="deadlines.stuck")
        async with until(30), Producer(url, queue=queue) as producer:
            calls = [stuck.sleeps.call(ledger.path, seconds) for seconds in (0.5, 0.5, 30)]
            await producer.submit(calls)
            await started(ledger, 3)
            with Redis.from_url(url) as redis:
                if server == "is gone":
                    redis.shutdown(nosave=True)
                else:
                    redis.execute_command("CLIENT", "PAUSE", "60000", "ALL")
            tell([supervisor.pid])
            took, code = await ended(supervisor)
            supervisor.wait()
    assert (code, took < grace + 1) == (0, True), took
    log = capfd.readouterr().err
    assert "Redis did not take 2 outcomes and 1 releases in time" in log
    assert ":0', '" in log


async def test_a_job_that_ends_in_its_grace_is_recorded_when_the_server_is_back_in_time(
    start_worker,
    ledger,  # noqa: F811
    queue,
):
    with embedded_server(free_port()) as (url, _):
        supervisor = start_worker("--redis", url, "--grace", "6", module="deadlines.stuck")
        async with until(30), Producer(url, queue=queue) as producer:
            batch = await producer.submit([stuck.sleeps.call(ledger.path, 0.5)])
            await started(ledger, 1)
            with Redis.from_url(url) as redis:
                redis.execute_command("CLIENT", "PAUSE", "2000", "ALL")
            tell([supervisor.pid])
            took, _ = await ended(supervisor)
            (outcome,) = await batch.outcomes()
    assert isinstance(outcome, Succeeded), outcome
    assert took < 6
