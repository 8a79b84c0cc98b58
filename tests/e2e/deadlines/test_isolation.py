"""The same promises in the loop, in a thread and in a process of its own."""

import asyncio
import os

import pytest

from gatherq import Failed, Lost, Succeeded, TimedOut
from tests.conftest import until

from . import isolated, stuck
from .test_supervisor import gone
from .test_timeouts import GRACE, LATE, late, ledger  # noqa: F401


async def outcomes_of(producer, calls, timeout=30):
    async with until(25):
        return await (await producer.submit(calls, timeout=timeout)).outcomes()


async def test_each_runs_where_it_says_with_the_same_context(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.isolated")
    calls = [job.call(ledger.path) for job in (isolated.plain, isolated.apart)]
    calls += [isolated.apart_and_async.call(ledger.path), isolated.apart.call(ledger.path)]
    plain, apart, apart_and_async, _ = [o.unwrap() for o in await outcomes_of(producer, calls)]
    assert plain["thread"].startswith("gatherq plain ")
    assert plain["pid"] not in (apart["pid"], apart_and_async["pid"])
    assert [found["slot"] for found in (plain, apart, apart_and_async)] == [0, 1, 2]
    assert all(found["in time"] and found["attempt"] == 1 for found in (plain, apart))
    # Each has a process of its own.
    again = await outcomes_of(producer, [isolated.apart.call(ledger.path)])
    assert str(again[0].unwrap()["pid"]) not in {line[4] for line in ledger.lines()[:-1]}


@pytest.mark.parametrize("how", ["sleep", "spin", "resist", "gil", "children"])
async def test_a_late_process_is_killed_with_its_children(
    producer,
    start_worker,
    ledger,  # noqa: F811
    how,
):
    start_worker(module="deadlines.isolated")
    warm = [isolated.apart.call(ledger.path + ".warm")]
    await outcomes_of(producer, warm)
    calls = [isolated.hangs_apart.call(ledger.path, how).with_timeout(0.5)]
    calls += [isolated.apart.call(ledger.path + ".beside") for _ in range(5)]
    first, *others = await outcomes_of(producer, calls)
    assert isinstance(first, TimedOut), first
    assert late(first, 0.5) <= GRACE + LATE
    assert ledger.starts()[0] == 1
    assert all(isinstance(outcome, Succeeded) for outcome in others)
    for line in ledger.lines():
        if line[0] == "child":
            async with until(1):
                while not gone(int(line[4])) and status(line[4]) != "Z":
                    await asyncio.sleep(0.01)


def status(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


@pytest.mark.parametrize("how", ["sleep", "spin", "resist"])
async def test_a_late_thread_times_out_and_the_worker_goes_on(
    producer,
    start_worker,
    ledger,  # noqa: F811
    how,
):
    start_worker("--processes", "0", module="deadlines.isolated")
    calls = [isolated.hangs_in_a_thread.call(ledger.path, how).with_timeout(0.5)]
    calls += [isolated.plain.call(ledger.path + ".beside") for _ in range(20)]
    first, *others = await outcomes_of(producer, calls)
    assert isinstance(first, TimedOut), first
    assert late(first, 0.5) <= GRACE + LATE
    assert ledger.starts()[0] == 1
    assert {type(outcome) for outcome in others} == {Succeeded}
    assert len({outcome.worker for outcome in [first, *others]}) == 1


async def test_an_async_job_that_swallows_in_a_process_times_out(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.isolated")
    (outcome,) = await outcomes_of(producer, [isolated.swallows_apart.call(ledger.path)], 0.5)
    assert isinstance(outcome, TimedOut)


async def test_memory_beyond_the_limit_is_an_error_of_that_job(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.isolated")
    calls = [isolated.eats.call(ledger.path), isolated.apart.call(ledger.path)]
    eats, apart = await outcomes_of(producer, calls)
    assert isinstance(eats, Failed)
    assert eats.error.type == "MemoryError"
    assert isinstance(apart, Succeeded)


async def test_a_job_whose_own_process_dies_is_lost(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.isolated")
    calls = [isolated.dies_apart.call(ledger.path), isolated.apart.call(ledger.path)]
    dies, apart = await outcomes_of(producer, calls)
    assert isinstance(dies, Lost)
    assert [death.error.message for death in dies.deaths] == ["exit code 7"] * 2
    assert ledger.starts()[0] == 2
    assert isinstance(apart, Succeeded)


async def test_errors_and_retries_are_those_of_the_loop(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.isolated")
    calls = [isolated.raises_apart.call(ledger.path, kind) for kind in ("key", "value", "asks")]
    calls.append(isolated.unwritable_apart.call(ledger.path))
    key, value, asks, unwritable = await outcomes_of(producer, calls)
    assert key.unwrap() == asks.unwrap() == 2
    assert str(value.error) == "ValueError: v"
    assert "raises_apart" in value.error.traceback
    assert unwritable.error.type == "UnwritableResult"


async def test_no_more_of_a_function_run_than_it_allows(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.isolated")
    await outcomes_of(producer, [isolated.one_at_a_time.call(ledger.path)] * 5)
    assert [line[0] for line in ledger.lines()] == ["start", "end"] * 5


async def test_isolated_processes_end_with_their_worker(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    supervisor = start_worker("--grace", "0.5", module="deadlines.isolated")
    (outcome,) = await outcomes_of(producer, [isolated.apart.call(ledger.path)])
    await producer.submit([isolated.hangs_apart.call(ledger.path, "spin")], timeout=60)
    async with until(25):
        while len(pids := {int(line[4]) for line in ledger.lines()}) < 1 or not ledger.starts()[0]:
            await asyncio.sleep(0.01)
        supervisor.kill()
        assert outcome.unwrap()["pid"] in pids
        for pid in pids:
            while not gone(pid) and status(pid) != "Z":
                await asyncio.sleep(0.01)
    assert os.getpid() not in pids


async def test_a_jobs_that_blocks_the_loop_leaves_isolated_ones_alone(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker("--processes", "0", module="deadlines.both")
    calls = [stuck.blocks.call(ledger.path, 1).with_timeout(20)]
    calls += [isolated.apart.call(ledger.path), isolated.plain.call(ledger.path)]
    assert {type(o) for o in await outcomes_of(producer, calls)} == {Succeeded}
