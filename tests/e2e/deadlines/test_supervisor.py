"""What a supervisor promises: nothing that dies is missed for long, nothing outlives it."""

import asyncio
import os
import signal
from time import monotonic

import pytest

from gatherq import Lost, Succeeded, TimedOut
from tests.conftest import until

from . import stuck
from .test_timeouts import GRACE, LATE, late, ledger, ready, workers  # noqa: F401


async def started(ledger, count):  # noqa: F811
    """Wait until so many executions have begun; return the pids."""
    while True:
        pids = [int(line[4]) for line in ledger.lines() if line[0] == "start"]
        if len(pids) >= count:
            return pids
        await asyncio.sleep(0.005)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_job_that_holds_the_interpreter_times_out_and_its_siblings_start_elsewhere(
    producer,
    workers,  # noqa: F811
    ledger,  # noqa: F811
):
    workers()
    async with until(60):
        await ready(producer, ledger.path)
        siblings = [stuck.sleeps.call(ledger.path, 2).with_timeout(30) for _ in range(10)]
        calls = [*siblings, stuck.holds_the_gil.call(ledger.path).with_timeout(1)]
        *others, last = await (await producer.submit(calls)).outcomes()
    assert isinstance(last, TimedOut), last
    assert late(last, 1) <= GRACE + LATE
    assert ledger.starts()[10] == 1
    assert all(isinstance(outcome, Succeeded) and outcome.attempt == 1 for outcome in others)


async def test_a_killed_workers_job_starts_again_within_half_a_second(
    producer,
    workers,  # noqa: F811
    ledger,  # noqa: F811
):
    workers()
    async with until(60):
        await ready(producer, ledger.path)
        waits = []
        for starts in (1, 3, 5):  # at first, a supervisor may still import what it needs for it
            batch = await producer.submit([stuck.sleeps.call(ledger.path, 1)], timeout=20)
            *_, pid = await started(ledger, starts)
            os.kill(pid, signal.SIGKILL)
            killed = monotonic()
            await started(ledger, starts + 1)
            waits.append(monotonic() - killed)
            (outcome,) = await batch.outcomes()
    assert min(waits) <= 0.5
    assert isinstance(outcome, Succeeded)
    assert [info.status for info in outcome.history] == ["died"]
    assert "SIGKILL" in outcome.history[0].error.message


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("exit", "exit code 0"),
        ("segfault", "SIGSEGV"),
        ("kill", "SIGKILL"),
        ("in a task", "code 3"),
    ],
)
async def test_a_job_that_takes_its_process_down_is_lost_and_those_beside_it_are_not(
    producer,
    workers,  # noqa: F811
    ledger,  # noqa: F811
    how,
    said,
):
    workers()
    async with until(60):
        await ready(producer, ledger.path)
        siblings = [stuck.sleeps.call(ledger.path, 0.5) for _ in range(10)]
        calls = [*siblings, stuck.dies.call(ledger.path, how)]
        *others, last = await (await producer.submit(calls, timeout=30)).outcomes()
    assert isinstance(last, Lost), last
    assert last.attempts == 2
    assert [said in str(death) for death in last.deaths] == [True, True]
    assert ledger.starts()[10] == 2
    assert all(isinstance(outcome, Succeeded) for outcome in others)
    if how != "in a task":  # whose code it was is known
        assert {outcome.attempt for outcome in others} == {1}


async def test_no_worker_outlives_its_supervisor(producer, start_worker, ledger):  # noqa: F811
    supervisor = start_worker("--grace", "0.5", module="deadlines.stuck")
    async with until(60):
        await producer.submit([stuck.resists.call(ledger.path, 60)], timeout=60)
        (pid,) = await started(ledger, 1)
        supervisor.kill()
        while not gone(pid):
            await asyncio.sleep(0.05)


async def test_a_worker_is_replaced_after_its_number_of_jobs(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker("--max-jobs-per-child", "10", module="deadlines.stuck")
    async with until(60):
        calls = [stuck.sleeps.call(ledger.path, 0.01) for _ in range(30)]
        outcomes = await (await producer.submit(calls, timeout=20)).outcomes()
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes)
    assert ledger.starts() == dict.fromkeys(range(30), 1)
    assert len({line[4] for line in ledger.lines()}) == 3
