"""Failure policy, deadlines, leases and named batches, kept by real workers."""

import asyncio
import signal
import subprocess
import sys

import pytest

from gatherq import Cancelled, Failed, Producer, TimedOut, call
from gatherq.errors import BatchConflict, InvalidCall

from ..conftest import HERE, lines_of, started, until
from . import jobs


async def test_fail_fast_cancels_what_runs_and_what_is_queued(producer, start_worker, tmp_path):
    path = str(tmp_path / "ledger")
    start_worker("--concurrency", "3")
    calls = [jobs.linger.call(path), jobs.linger.call(path), jobs.fail.call("no")]
    async with until(30):
        batch = await producer.submit(calls + [jobs.linger.call(path)] * 3, tolerate=0)
        outcomes = await batch.outcomes()
    assert isinstance(outcomes[2], Failed)
    others = outcomes[:2] + outcomes[3:]
    assert {outcome.by for outcome in others} == {"policy"}
    lines = (tmp_path / "ledger").read_text().splitlines()
    # A slot that the failed job left may have taken one more before the failure was recorded.
    assert lines.count("begun") == lines.count("cancelled") <= 3


async def test_a_share_of_failures_is_tolerated(producer, start_worker):
    start_worker("--concurrency", "1")
    bad = [jobs.fail.call("no")] * 3
    async with until(30):
        fine = await (
            await producer.submit(bad + [jobs.echo.call(1)] * 17, tolerate=0.15)
        ).outcomes()
        # Long ones: one more may be started before the third failure is recorded.
        long = bad + [jobs.sleep.call(60)] * 17
        stopped = await (await producer.submit(long, tolerate=2)).outcomes()
    assert [o.status for o in fine] == ["failed"] * 3 + ["succeeded"] * 17
    assert [o.status for o in stopped] == ["failed"] * 3 + ["cancelled"] * 17


async def test_the_policy_holds_when_the_producer_is_gone(server_url, queue, start_worker):
    async with Producer(server_url, queue=queue) as producer:
        calls = [jobs.fail.call("no")] + [jobs.sleep.call(60)] * 300
        batch_id = (await producer.submit(calls, tolerate=0)).id
    start_worker("--concurrency", "1")
    async with until(30), Producer(server_url, queue=queue) as producer:
        batch = await producer.batch(batch_id)
        while (await batch.counts()).cancelled < 300:  # no collector sweeps here
            await asyncio.sleep(0.02)


async def test_the_batch_deadline_ends_what_runs_what_is_queued_and_says_which(
    producer, start_worker
):
    start_worker("--concurrency", "2")
    calls = [jobs.sleep.call(60), jobs.sleep.call(60).with_timeout(0.2), jobs.remaining.call()]
    async with until(30):
        await producer.gather(jobs.echo.call("the worker is there"))
        batch = await producer.submit([*calls, *[jobs.sleep.call(60)] * 3], deadline=1.5)
        found = await batch.outcomes()
    assert [(o.which, o.limit) for o in (found[0], *found[3:])] == [("batch", 1.5)] * 4
    assert (found[1].which, found[1].limit) == ("execution", 0.2)
    assert 0 < found[2].value < 1.5
    assert [o.attempt for o in found] == [1, 1, 1, 1, 0, 0]


async def test_a_deadline_and_a_queue_timeout_hold_with_no_worker_alive(producer):
    async with until(20):
        late = await producer.submit([jobs.echo.call(1)] * 2, deadline=0.3)
        unstarted = await producer.submit([jobs.echo.call(1)] * 2, queue_timeout=0.3)
        assert {(o.which, o.limit) for o in await late.outcomes()} == {("batch", 0.3)}
        assert {(o.which, o.limit) for o in await unstarted.outcomes()} == {("queue", 0.3)}


async def test_a_batch_submitted_by_a_job_inherits_what_is_left(
    producer, start_worker, server_url, queue
):
    start_worker()
    async with until(30):
        batch = await producer.submit([jobs.nest.call(server_url, queue)], timeout=1.5)
        (outcome,) = await batch.outcomes()
        (inner,) = await (await producer.batch(outcome.unwrap())).outcomes()
    assert isinstance(inner, TimedOut)
    assert inner.which == "batch"
    assert 0 < inner.limit < 1.5


async def test_a_lease_keeps_a_batch_while_its_producer_lives(producer, start_worker):
    start_worker()
    async with until(30):
        batch = await producer.submit([jobs.sleep.call(1.5)], lease=0.6)
        assert (await batch.outcomes())[0].unwrap() == 1.5


LEASED = """
import asyncio, sys
from gatherq import Producer, call

async def main():
    async with Producer(sys.argv[1], queue=sys.argv[2]) as producer:
        calls = [call("linger", sys.argv[3])] * 3
        await producer.submit(calls, batch_id=sys.argv[4], lease=1.0)
        print("submitted", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_killed_producers_batch_stops_when_its_lease_ends(
    producer, start_worker, server_url, queue, tmp_path
):
    path, batch_id = str(tmp_path / "ledger"), queue.replace(":", "-")
    start_worker("--concurrency", "2", lease=2.0)
    command = [sys.executable, "-c", LEASED, server_url, queue, path, batch_id]
    with started(command, stdout=subprocess.PIPE, cwd=HERE / "e2e") as other:
        assert await asyncio.to_thread(other.stdout.readline) == b"submitted\n"
        await lines_of(tmp_path / "ledger", 2)
        other.send_signal(signal.SIGKILL)
    async with until(20):
        outcomes = await (await producer.batch(batch_id)).outcomes()
    assert all(isinstance(outcome, Cancelled) for outcome in outcomes)
    assert {outcome.by for outcome in outcomes} == {"producer lost"}
    assert sorted(outcome.attempt for outcome in outcomes) == [0, 1, 1]


async def test_other_jobs_under_the_same_id_are_refused_by_name(producer, start_worker, queue):
    batch_id = queue.replace(":", "-")
    calls = [jobs.echo.call(n) for n in range(3)]
    await producer.submit(calls, batch_id=batch_id)
    for other, said in [
        ([calls[0], jobs.fail.call("x"), calls[2]], r"slot 1 is echo\(...\), not fail\(...\)"),
        ([*calls[:2], jobs.echo.call("x")], r"slot 2 is echo\(...\) with other arguments"),
        (calls[:2], "3 jobs and not 2"),
    ]:
        with pytest.raises(BatchConflict, match=said):
            await producer.submit(other, batch_id=batch_id)
    start_worker()
    async with until(20):
        again = await producer.submit(calls, batch_id=batch_id)
        assert [o.value for o in await again.outcomes()] == [0, 1, 2]
        with pytest.raises(BatchConflict, match="slot 0 is echo"):
            await producer.submit([jobs.fail.call("x")] * 3, batch_id=batch_id)


async def test_two_producers_of_one_named_batch_run_it_once(
    producer, server_url, queue, start_worker, tmp_path
):
    batch_id = queue.replace(":", "-")
    calls = [jobs.ledger.call(str(tmp_path / "ledger"), 0)] * 900
    start_worker()
    async with until(40), Producer(server_url, queue=queue) as second:
        batches = await asyncio.gather(
            *(p.submit(calls, batch_id=batch_id) for p in (producer, second))
        )
        for batch in batches:
            assert len(await batch.outcomes()) == 900
    assert len((tmp_path / "ledger").read_text().splitlines()) == 900


BEGUN = """
import asyncio, sys
from gatherq import Producer, call

async def main():
    async with Producer(sys.argv[1], queue=sys.argv[2]) as producer:
        calls = [call("ledger", sys.argv[3], 0)] * 4000
        await producer.submit(calls, batch_id=sys.argv[4])

asyncio.run(main())
"""


async def test_a_submission_that_was_killed_is_continued_without_duplicates(
    producer, start_worker, server_url, queue, tmp_path
):
    path, batch_id = str(tmp_path / "ledger"), queue.replace(":", "-")
    start_worker()
    command = [sys.executable, "-c", BEGUN, server_url, queue, path, batch_id]
    with started(command, cwd=HERE / "e2e") as other:
        while not await producer.redis.exists(f"gatherq:batch:{batch_id}"):
            await asyncio.sleep(0)
        other.send_signal(signal.SIGKILL)
    async with until(60):
        calls = [call("ledger", path, 0)] * 4000
        batch = await producer.submit(calls, batch_id=batch_id)
        outcomes = await batch.outcomes()
    assert [outcome.status for outcome in outcomes] == ["succeeded"] * 4000
    assert len((tmp_path / "ledger").read_text().splitlines()) == 4000


@pytest.mark.parametrize(
    "terms",
    [
        {"tolerate": -1},
        {"tolerate": 1.5},
        {"tolerate": True},
        {"deadline": 0},
        {"queue_timeout": -1},
        {"lease": float("nan")},
    ],
)
async def test_unusable_terms_are_refused(producer, terms):
    with pytest.raises(InvalidCall, match=next(iter(terms))):
        await producer.submit([jobs.echo.call(1)], **terms)
