"""Jobs that attack their worker: neighbours keep their outcomes, and work goes on."""

import pytest

from gatherq import Cancelled, Lost, Succeeded, TimedOut
from tests.conftest import until

from . import hostile
from .test_timeouts import ledger  # noqa: F401

GOES_ON = [
    "cancels all",
    "cancels all from a task",
    "cancels all from a callback",
    "stops the loop",
    "exits in a callback",
    "exits in a task",
    "interrupts in a callback",
]
REPLACED = ["SIGTERM", "SIGINT", "SIGTERM to its group", "SIGTERM twice"]


async def attacked(producer, path, attack, seconds=0.7, threads=True):
    """Run an attack beside ten jobs, in loop and threads; return their outcomes, and its own."""
    neighbours = [hostile.works.call(path, seconds) for _ in range(8)]
    neighbours += [hostile.threaded.call(path, seconds) for _ in range(2 * threads)]
    neighbours += [hostile.works.call(path, seconds) for _ in range(2 - 2 * threads)]
    batch = await producer.submit([*neighbours, attack], timeout=40)
    *others, last = await batch.outcomes()
    return others, last


@pytest.mark.parametrize("how", [*GOES_ON, *REPLACED])
async def test_neighbours_end_as_ever_and_the_worker_takes_more(
    producer,
    start_worker,
    ledger,  # noqa: F811
    how,
):
    supervisor = start_worker("--grace", "3", module="deadlines.hostile")
    async with until(60):
        call = hostile.attacks.call(ledger.path, how)
        others, last = await attacked(producer, ledger.path, call)
        assert all(isinstance(outcome, Succeeded) for outcome in others), others
        assert {(outcome.attempt, outcome.value is None) for outcome in others} == {(1, False)}
        if how in ("cancels all from a task", "cancels all from a callback"):
            assert isinstance(last, Cancelled), last  # it has cancelled itself too
            assert last.by == "job"
        else:
            assert isinstance(last, Succeeded), last
        again, _ = await attacked(producer, ledger.path, hostile.works.call(ledger.path, 0), 0)
        pids = {outcome.value for outcome in again}
        assert (pids == {others[0].value}) == (how in GOES_ON)
    assert supervisor.poll() is None
    assert len(ledger.lines()) == 22  # each has run once


@pytest.mark.parametrize("code", [0, pytest.param(75, marks=pytest.mark.long), 3])
async def test_an_exit_from_a_thread_is_a_death_whatever_its_code(
    producer,
    start_worker,
    ledger,  # noqa: F811
    code,
):
    supervisor = start_worker(module="deadlines.hostile")
    async with until(60):
        call = hostile.exits.call(ledger.path, code)
        others, last = await attacked(producer, ledger.path, call, threads=False)
    assert isinstance(last, Lost), last
    assert [f"exit code {code}" in str(death) for death in last.deaths] == [True, True]
    assert all(isinstance(outcome, Succeeded) for outcome in others), others
    # Those in the loop were in the midst of none of their steps: they are not charged.
    assert {(outcome.attempt, len(outcome.history)) for outcome in others} == {(1, 0)}
    assert supervisor.poll() is None


async def test_a_thread_that_holds_the_interpreter_is_known_by_its_limit(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.hostile")
    async with until(60):
        call = hostile.holds_the_interpreter.call(ledger.path).with_timeout(1)
        others, last = await attacked(producer, ledger.path, call, 2, threads=False)
    assert isinstance(last, TimedOut), last
    assert (last.which, last.limit) == ("execution", 1)
    assert (last.finished - last.started).total_seconds() <= 1 + 0.5 + 1.2
    assert {(outcome.status, outcome.attempt) for outcome in others} == {("succeeded", 1)}


@pytest.mark.long
async def test_long_before_its_limit_it_is_charged_alone_after_the_lease(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker(module="deadlines.hostile", lease=1.0)
    async with until(60):
        call = hostile.holds_the_interpreter.call(ledger.path).with_timeout(8)
        others, last = await attacked(producer, ledger.path, call, 2, threads=False)
    assert isinstance(last, TimedOut), last
    assert [entry.status for entry in last.history] == ["died"]
    assert "SIGABRT" in str(last.history[0].error)
    assert {(outcome.status, outcome.attempt) for outcome in others} == {("succeeded", 1)}
