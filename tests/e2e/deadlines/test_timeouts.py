"""A timeout is a promise: two real workers, a real server, code that does not want to end."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from gatherq import Cancelled, Failed, Succeeded, TimedOut
from tests.conftest import until

from . import stuck

LIMIT = 1.0
#: Seconds after limit and grace by which an outcome must be there.
LATE = 1.0
GRACE = 0.5


@pytest.fixture
def workers(start_worker):
    def start(*options, module="deadlines.stuck"):
        return [start_worker(*options, module=module) for _ in range(2)]

    return start


@pytest.fixture
def ledger(tmp_path):
    class Ledger:
        path = str(tmp_path / "ledger")

        def lines(self):
            try:
                return [line.split() for line in (tmp_path / "ledger").read_text().splitlines()]
            except FileNotFoundError:
                return []

        def starts(self):
            return Counter(int(slot) for word, _, slot, *_ in self.lines() if word == "start")

    return Ledger()


async def ready(producer, path):
    """Wait until both workers take jobs."""
    pids = set()
    while len(pids) < 2:
        batch = await producer.submit([stuck.sleeps.call(path + ".ready", 0.05)] * 200)
        await batch.outcomes()
        pids = {line.split()[4] for line in Path(path + ".ready").read_text().splitlines()}


def late(outcome, limit=LIMIT):
    """Return how many seconds after its limit an outcome was recorded."""
    return (outcome.finished - outcome.started).total_seconds() - limit


@pytest.mark.parametrize(
    "stuck_job",
    [stuck.blocks, stuck.spins, stuck.spins_in_a_task, stuck.swallows],
    ids=lambda job: job.definition.name,
)
async def test_code_that_can_be_interrupted_times_out_and_its_siblings_run_once(
    producer, workers, ledger, stuck_job
):
    workers()
    async with until(60):
        await ready(producer, ledger.path)
        siblings = [stuck.sleeps.call(ledger.path, 0.8).with_timeout(20) for _ in range(20)]
        calls = [stuck_job.call(ledger.path, 30).with_timeout(LIMIT), *siblings]
        outcomes = await (await producer.submit(calls)).outcomes()
    first, *others = outcomes
    assert isinstance(first, TimedOut), first
    assert (first.which, first.limit) == ("execution", LIMIT)
    assert late(first) <= GRACE + LATE
    assert all(isinstance(outcome, Succeeded) for outcome in others)
    assert ledger.starts() == Counter(range(21))


async def test_code_that_resists_has_its_process_recycled(producer, workers, ledger):
    workers()
    async with until(60):
        await ready(producer, ledger.path)
        siblings = [stuck.sleeps.call(ledger.path, 3).with_timeout(20) for _ in range(20)]
        calls = [*siblings, stuck.resists.call(ledger.path, 60).with_timeout(LIMIT)]
        *others, last = await (await producer.submit(calls)).outcomes()
    assert isinstance(last, TimedOut), last
    assert late(last) <= GRACE + LATE
    assert ledger.starts()[20] == 1
    # Those beside it began again elsewhere, and were not charged.
    assert all(isinstance(outcome, Succeeded) and outcome.attempt == 1 for outcome in others)


async def test_a_coroutine_that_never_ends_gives_up_its_slot(producer, start_worker, ledger):
    start_worker("--concurrency", "2", module="deadlines.stuck")
    async with until(60):
        calls = [stuck.swallows_for_ever.call(ledger.path).with_timeout(0.5)] * 4
        outcomes = await (await producer.submit(calls)).outcomes()
    assert [type(outcome) for outcome in outcomes] == [TimedOut] * 4
    assert max(late(outcome, 0.5) for outcome in outcomes) <= GRACE + LATE
    assert ledger.starts() == Counter(range(4))


async def test_cleaning_up_within_the_grace_is_finished(producer, start_worker, ledger):
    start_worker(module="deadlines.stuck")
    async with until(60):
        calls = [stuck.cleans_up.call(ledger.path, s).with_timeout(0.3) for s in (0.5, 60)]
        quick, slow = await (await producer.submit(calls)).outcomes()
    assert isinstance(quick, TimedOut)
    assert isinstance(slow, TimedOut)
    assert 0.45 <= late(quick, 0.3) < 2  # by Redis's clock, as the worker knows it
    assert 1.95 <= late(slow, 0.3) <= 2 + LATE
    assert [line[2] for line in ledger.lines() if line[0] == "cleaned"] == ["0"]


@pytest.mark.parametrize("which", ["raised", "wait_for", "nested"])
async def test_a_jobs_own_timeout_is_a_failure(producer, start_worker, which):
    start_worker(module="deadlines.stuck")
    async with until(30):
        batch = await producer.submit([stuck.own_timeouts.call(which)], timeout=20)
        (outcome,) = await batch.outcomes()
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "TimeoutError"


async def test_a_job_is_run_again_by_its_rules_and_its_errors_are_kept(
    producer, start_worker, ledger
):
    start_worker(module="deadlines.stuck")
    calls = [
        stuck.flaky.call(ledger.path, 3, "ValueError"),
        stuck.flaky.call(ledger.path, 4, "ValueError"),
        stuck.flaky.call(ledger.path, 2, "KeyError"),
        stuck.slow_at_first.call(ledger.path).with_timeout(0.3),
        stuck.asks.call(ledger.path, 2),
        stuck.asks.call(ledger.path, 3),
    ]
    async with until(60):
        third, never, other, slow, asked, too_often = await (
            await producer.submit(calls)
        ).outcomes()
    assert third.unwrap() == third.attempt == 3
    assert [str(info) for info in third.history] == [
        "attempt 1: ValueError: attempt 1",
        "attempt 2: ValueError: attempt 2",
    ]
    assert isinstance(never, Failed)
    assert str(never.error) == "ValueError: attempt 3"
    assert len(never.history) == 2
    assert isinstance(other, Failed)
    assert other.history == ()
    assert slow.unwrap() == "done"
    assert [info.status for info in slow.history] == ["timed_out"]
    assert asked.unwrap() == 3
    assert asked.history[0].error.cause.type == "LookupError"
    assert isinstance(too_often, Failed)
    assert too_often.error.type == "gatherq.errors.Retry"
    assert ledger.starts() == {0: 3, 1: 3, 2: 1, 3: 2, 4: 3, 5: 3}


async def test_nothing_is_left_in_redis_but_results(producer, start_worker, ledger, queue):
    start_worker(module="deadlines.stuck")
    async with until(60):
        batch = await producer.submit([stuck.flaky.call(ledger.path, 2, "ValueError")])
        await batch.outcomes()
    left = [key.decode() async for key in producer.redis.scan_iter(f"*{batch.id}*", 10_000)]
    assert sorted(left) == sorted(
        [f"arq:result:{batch.id}:0", f"gatherq:batch:{batch.id}", f"gatherq:done:{batch.id}"]
    )


async def test_a_cancelled_job_that_does_not_end_is_cancelled_after_its_grace(
    producer, start_worker, ledger
):
    start_worker(module="deadlines.stuck")
    async with until(60):
        batch = await producer.submit([stuck.swallows_for_ever.call(ledger.path)], timeout=50)
        while not ledger.starts():
            await asyncio.sleep(0.01)
        await batch.cancel()
        (outcome,) = await batch.outcomes()
    assert isinstance(outcome, Cancelled)
    assert (outcome.finished - outcome.started).total_seconds() < GRACE + LATE
