"""Waiting for a place counts: its limits are kept, nothing is charged, none is lost for good."""

import asyncio
from pathlib import Path
from time import monotonic

import pytest

from gatherq import Cancelled, Failed, Succeeded, TimedOut, call
from gatherq.contract.keys import KeySpace
from tests.conftest import lines_of, until

from . import forking, leaking
from .test_isolation import outcomes_of
from .test_timeouts import ledger  # noqa: F401

keys = KeySpace()

#: A job of each kind of place, and how many of it there are.
KINDS = [
    pytest.param(forking.begins_alone, 1, id="concurrency"),
    pytest.param(forking.begins_in_a_thread, 32, id="threads"),
    pytest.param(forking.begins, 4, id="processes"),
    pytest.param(forking.begins_apart_alone, 1, id="processes of one function"),
]
#: Seconds beside a limit in which its outcome must be there.
LATE = 0.5


@pytest.fixture
def full(producer, start_worker, ledger):  # noqa: F811
    """Fill all places of a kind for so many seconds."""

    async def fill(job, count, seconds):
        start_worker("--processes", "0", "--concurrency", "300", module="deadlines.forking")
        async with until(20):
            batch = await producer.submit([job.call(ledger.path, seconds)] * count)
            await lines_of(Path(ledger.path), count)
        return batch

    return fill


@pytest.mark.parametrize(("job", "count"), KINDS)
@pytest.mark.parametrize("which", ["batch", pytest.param("queue", marks=pytest.mark.long)])
async def test_a_limit_that_passes_while_a_job_waits_ends_it_then(
    producer,
    full,
    ledger,  # noqa: F811
    job,
    count,
    which,
):
    before = await full(job, count, 1.5)
    began = monotonic()
    limit = {"deadline": 0.5} if which == "batch" else {"queue_timeout": 0.5}
    async with until(20):
        batch = await producer.submit([job.call(ledger.path, 0)] * 3, **limit)
        outcomes = await batch.outcomes()
        took = monotonic() - began
        assert 0.45 <= took <= 0.5 + LATE
        await before.outcomes()
    for outcome in outcomes:
        assert isinstance(outcome, TimedOut)
        assert (outcome.which, outcome.limit, outcome.started) == (which, 0.5, None)
    assert sum(ledger.starts().values()) == count


@pytest.mark.parametrize(("job", "count"), KINDS)
async def test_what_waits_is_cancelled_at_once_and_says_by_whom(
    producer,
    full,
    ledger,  # noqa: F811
    job,
    count,
):
    before = await full(job, count, 2)
    async with until(20):
        batch = await producer.submit([job.call(ledger.path, 0)] * 3)
        while int(await producer.redis.hget(keys.batch(batch.id), "parked") or 0) < 3:
            await asyncio.sleep(0.01)
        began = monotonic()
        await batch.cancel()
        outcomes = await batch.outcomes()
        assert monotonic() - began <= LATE
        await before.outcomes()
    assert [(type(outcome), outcome.by) for outcome in outcomes] == [(Cancelled, "producer")] * 3
    assert sum(ledger.starts().values()) == count


@pytest.mark.parametrize(("job", "count"), KINDS)
async def test_the_limit_of_an_execution_begins_with_it(
    producer,
    full,
    ledger,  # noqa: F811
    job,
    count,
):
    await full(job, count, 1)
    async with until(20):
        batch = await producer.submit([job.call(ledger.path, 0)], timeout=0.5, queue_timeout=10)
        (outcome,) = await batch.outcomes()
    assert isinstance(outcome, Succeeded)
    assert (outcome.started - outcome.enqueued).total_seconds() > 0.5


async def test_one_that_does_not_end_gives_its_place_back_with_its_slot(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker("--processes", "0", module="deadlines.forking")
    calls = [forking.swallows_alone.call(ledger.path).with_timeout(0.3)] * 4
    outcomes = await outcomes_of(producer, calls)
    assert [type(outcome) for outcome in outcomes] == [TimedOut] * 4
    assert ledger.starts() == dict.fromkeys(range(4), 1)


@pytest.mark.parametrize("kind", ["begins", "begins_apart"])
async def test_a_shortage_of_the_workers_own_is_no_jobs_failure(
    producer,
    start_worker,
    ledger,  # noqa: F811
    kind,
):
    start_worker("--processes", "0", module="deadlines.short")
    calls = [call(kind, ledger.path)] * 5
    outcomes = await outcomes_of(producer, calls)
    assert [type(outcome) for outcome in outcomes] == [Succeeded] * 5, outcomes
    assert {(outcome.attempt, outcome.history) for outcome in outcomes} == {(1, ())}
    assert ledger.starts() == dict.fromkeys(range(5), 1)


async def test_a_jobs_own_error_is_its_failure_whatever_it_says(producer, start_worker):
    start_worker("--processes", "0", module="deadlines.short")
    (outcome,) = await outcomes_of(producer, [call("raises_as_if")])
    assert isinstance(outcome, Failed)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(True, id="connected before"),
        pytest.param(False, id="not connected before", marks=pytest.mark.long),
    ],
)
async def test_a_process_whose_jobs_leak_all_descriptors_is_replaced(
    producer, start_worker, before
):
    """Its outcomes are recorded, with no connection for them, and isolated jobs begin again."""
    start_worker(module="deadlines.leaking")
    async with until(40):
        if before:
            await producer.gather(leaking.works.call())
        (first,) = await producer.gather(leaking.leaks.call())
        assert await producer.gather(leaking.works_apart.call()) == [1]
        (again,) = await producer.gather(leaking.works.call())
    assert first != again
