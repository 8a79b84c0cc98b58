"""What jobs fork, and what they leave, touches nobody: not the worker, not another job."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from gatherq import Failed, Lost, Succeeded, TimedOut, call
from tests.conftest import lines_of, until

from . import forking, stuck
from .test_isolation import outcomes_of, status
from .test_supervisor import gone
from .test_timeouts import ledger  # noqa: F401


def worker_of(outcomes):
    return {outcome.worker for outcome in outcomes}


@pytest.mark.parametrize(
    ("job", "ways"),
    [
        (forking.forks_apart, ["returns", "raises", "exits", "sleeps"]),
        (forking.forks_apart_in_a_loop, ["returns", "raises", "exits", "awaits", "in a task"]),
        (forking.forks_in_a_thread, ["returns", "raises", "exits"]),
        (forking.forks_in_the_loop, ["returns", "raises", "exits", "awaits", "in a task"]),
    ],
    ids=lambda value: value.definition.name if hasattr(value, "definition") else "",
)
async def test_each_job_has_its_own_answer_whatever_it_forks(producer, start_worker, job, ways):
    start_worker("--processes", "0", module="deadlines.forking")
    calls = [job.call(ways[number % len(ways)], number) for number in range(20)]
    calls += [forking.slow.call(0.01, number) for number in range(20, 40)]
    outcomes = await outcomes_of(producer, calls)
    assert [outcome.unwrap() for outcome in outcomes] == list(range(40))
    assert {outcome.attempt for outcome in outcomes} == {1}
    assert len(worker_of(outcomes)) == 1


async def test_a_fork_does_not_speak_to_the_supervisor_for_the_worker(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.both", lease=10.0)  # what a supervisor does needs none to end
    calls = [stuck.sleeps.call(ledger.path, 1)] * 5
    calls.append(call("forks_and_dies", ledger.path))
    *others, dies = await outcomes_of(producer, calls)
    assert isinstance(dies, Lost)
    assert [outcome.attempt for outcome in others] == [1] * 5  # whose code it was is known


@pytest.mark.parametrize("what", forking.USES)
@pytest.mark.parametrize(
    "job",
    [forking.uses_in_the_loop, forking.uses_in_a_thread, forking.uses_apart],
    ids=lambda job: job.definition.name,
)
async def test_processes_that_a_job_uses_can_be_ended_and_its_worker_goes_on(
    producer, start_worker, job, what
):
    worker = start_worker(module="deadlines.forking")
    outcomes = await outcomes_of(producer, [job.call(what)] * 3)
    assert [outcome.unwrap() for outcome in outcomes] == [3, 3, 3]
    outcomes += await outcomes_of(producer, [forking.slow.call(0.0, 1)])
    assert len(worker_of(outcomes)) == 1
    assert worker.poll() is None


@pytest.mark.parametrize(
    "what",
    [
        *("cwd", "environment", "handlers", "timer", "task", "thread", "child", "alarm"),
        "modules",
    ],
)
async def test_a_job_finds_nothing_of_those_before_it(producer, start_worker, tmp_path, what):
    start_worker("--processes", "0", module="deadlines.forking")
    file = tmp_path / "children"
    (clean,) = await outcomes_of(producer, [forking.finds.call()])
    left = await outcomes_of(producer, [forking.leaves.call(what, str(file))] * 4)
    assert [outcome.unwrap() for outcome in left] == [what] * 4
    found = await outcomes_of(producer, [forking.finds.call()] * 8)
    assert [outcome.unwrap() for outcome in found] == [clean.unwrap()] * 8
    assert {outcome.attempt for outcome in found} == {1}
    for pid in file.read_text().split() if file.exists() else ():
        async with until(2):
            while not gone(int(pid)) and status(pid) != "Z":
                await asyncio.sleep(0.01)


async def test_a_plain_job_may_run_a_loop_of_its_own_and_is_interrupted_in_it(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.forking")
    (runs,) = await outcomes_of(producer, [forking.runs_a_loop.call()])
    assert runs.unwrap() == 7
    late = forking.waits_in_a_loop.call(ledger.path).with_timeout(0.3)
    (waits,) = await outcomes_of(producer, [late])
    assert isinstance(waits, TimedOut)
    assert [line[0] for line in ledger.lines()] == ["start", "interrupted"]  # and not killed


async def servers_of(producer):
    """Return the processes that fork the jobs."""
    outcomes = await outcomes_of(producer, [forking.pids.call()] * 4)
    assert len({outcome.unwrap()[0] for outcome in outcomes}) == 4
    return {outcome.unwrap()[1] for outcome in outcomes}


async def test_a_fork_server_that_dies_is_replaced_and_no_job_is_charged(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker("--processes", "0", module="deadlines.forking")
    (idle,) = await servers_of(producer)
    os.kill(idle, signal.SIGKILL)
    (server,) = await servers_of(producer)
    assert server != idle
    async with until(25):
        calls = [forking.begins.call(ledger.path, 1)] * 4 + [forking.pids.call()] * 20
        batch = await producer.submit(calls)
        while sum(ledger.starts().values()) < 4:
            await asyncio.sleep(0.01)
        os.kill(server, signal.SIGKILL)
        outcomes = await batch.outcomes()
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes), outcomes
    assert {outcome.attempt for outcome in outcomes} == {1}
    assert ledger.starts() == dict.fromkeys(range(4), 1)


async def test_signals_of_a_stop_reach_no_isolated_job(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    worker = start_worker("--processes", "0", "--grace", "5", module="deadlines.forking")
    (server,) = await servers_of(producer)
    async with until(25):
        batch = await producer.submit([forking.begins.call(ledger.path, 1)] * 2)
        lines = await lines_of(Path(ledger.path), 2)
        for pid in (worker.pid, server, *(int(line.split()[4]) for line in lines)):
            os.kill(pid, signal.SIGTERM)
            if pid != worker.pid:
                os.kill(pid, signal.SIGINT)
        outcomes = await batch.outcomes()
        assert await asyncio.to_thread(worker.wait) == 0
    assert [outcome.unwrap() for outcome in outcomes] == ["done", "done"]
    assert {outcome.attempt for outcome in outcomes} == {1}


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_that_was_forked_outlives_the_worker(
    producer,
    start_worker,
    tmp_path,
    ledger,  # noqa: F811
    end,
):
    worker = start_worker("--processes", "0", "--grace", "0", module="deadlines.forking")
    (server,) = await servers_of(producer)
    async with until(25):
        await producer.submit([forking.begins.call(ledger.path, 60)] * 2)
        pids = [server, *(int(line.split()[4]) for line in await lines_of(Path(ledger.path), 2))]
        worker.send_signal(end)
        for pid in pids:
            while not gone(pid) and status(pid) != "Z":
                await asyncio.sleep(0.01)


async def test_a_fork_keeps_nothing_of_the_engine_open(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    before = len(await producer.redis.client_list())
    worker = start_worker("--processes", "0", module="deadlines.forking")
    (server,) = await servers_of(producer)
    (outcome,) = await outcomes_of(producer, [forking.leaves_a_daemon.call(ledger.path)])
    daemon = outcome.unwrap()
    assert len(await producer.redis.client_list()) > before
    worker.kill()
    async with until(5):
        while not gone(server) and status(server) != "Z":
            await asyncio.sleep(0.01)
        while len(await producer.redis.client_list()) > before + 1:  # the producer's watcher
            await asyncio.sleep(0.01)
    assert not gone(daemon)
    os.kill(daemon, signal.SIGKILL)


async def imported_in(producer, count):
    """Say for so many jobs whether their own process imported the module, or its parent."""
    outcomes = await outcomes_of(producer, [call("imported_here")] * count)
    assert {outcome.attempt for outcome in outcomes} == {1}
    return [outcome.unwrap() for outcome in outcomes]


async def test_a_module_is_imported_once_for_all_jobs(producer, start_worker):
    start_worker("--processes", "0", module="deadlines.imports")
    async with until(20):
        assert await imported_in(producer, 1) == [[True, False]]
        while await imported_in(producer, 1) != [[False, True]]:
            pass
    assert await imported_in(producer, 8) == [[False, True]] * 8


@pytest.mark.parametrize(
    "what",
    [
        "with_a_thread",
        pytest.param("with_a_connection", marks=pytest.mark.long),
        pytest.param("and_kills", marks=pytest.mark.long),
    ],
)
async def test_a_module_that_cannot_be_shared_is_imported_by_each_job(producer, start_worker, what):
    start_worker("--processes", "0", module=f"deadlines.imports_{what}")
    for _ in range(3):
        assert await imported_in(producer, 8) == [[True, False]] * 8


async def test_the_time_of_a_job_begins_after_the_import_of_its_module(producer, start_worker):
    start_worker("--processes", "0", module="deadlines.imports_slowly")
    slow = call("imported_here").with_timeout(0.5)
    outcomes = await outcomes_of(producer, [slow] * 4)
    assert [outcome.unwrap() for outcome in outcomes] == [1] * 4


async def test_an_import_that_fails_in_a_process_is_an_error_of_its_job(producer, start_worker):
    start_worker("--processes", "0", module="deadlines.imports_and_raises")
    (outcome,) = await outcomes_of(producer, [call("imported_here")])
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "LookupError"


async def test_an_import_that_ends_its_process_takes_nobody_along(producer, start_worker):
    start_worker("--processes", "0", module="deadlines.imports_and_dies")
    (outcome,) = await outcomes_of(producer, [call("imported_here")])
    assert isinstance(outcome, Lost)
    assert "exit code 9" in str(outcome.deaths[0])
