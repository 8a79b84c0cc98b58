"""The whole way: a producer here, workers in processes of their own, a real server."""

import asyncio
import os
import signal
from datetime import UTC, datetime

import pytest

from gatherq import Cancelled, Failed, Lost, Succeeded, TimedOut, call
from gatherq.contract.records import job_deserializer
from gatherq.errors import BatchConflict, BatchNotFound, InvalidCall, PayloadTooLarge

from ..conftest import in_contact, lines_of, until
from . import jobs


async def test_values_come_back_in_the_order_of_the_calls(producer, start_worker):
    start_worker()
    async with until(20):
        slow_first = [jobs.sleep.call(0.3), jobs.sleep.call(0.0), jobs.sleep.call(0.1)]
        assert await producer.gather(*slow_first) == [0.3, 0.0, 0.1]


async def test_every_job_gets_its_own_kind_of_outcome(producer, start_worker):
    start_worker("--unknown-for", "0")
    calls = [
        jobs.echo.call(None),
        jobs.fail.call("no"),
        jobs.sleep.call(5),
        jobs.own_timeout.call(),
        jobs.swallow.call(5),
        jobs.cancel_itself.call(),
        jobs.unwritable.call(),
        jobs.large.call(9 * 1024 * 1024),
        call("ecko", 1),
        call("echo"),
    ]
    async with until(30):
        batch = await producer.submit(calls, timeout=0.5)
        outcomes = await batch.outcomes()
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [
        Succeeded,
        Failed,
        TimedOut,
        Failed,
        TimedOut,
        Cancelled,
        Failed,
        Failed,
        Failed,
        Failed,
    ]
    assert [outcome.slot for outcome in outcomes] == list(range(10))
    assert outcomes[0].value is None
    assert (outcomes[2].which, outcomes[2].limit) == ("execution", 0.5)
    errors = [str(outcomes[slot].error) for slot in (1, 3, 6, 7, 8, 9)]
    assert errors[0] == "ValueError: no"
    assert errors[1] == "TimeoutError: mine"
    assert "object" in errors[2]
    assert "9,437" in errors[3]
    assert "8,388,608" in errors[3]
    assert "'ecko'" in errors[4]
    assert "'echo'" in errors[4]
    assert errors[5].startswith("TypeError: echo() cannot take these arguments: missing")


async def test_a_remote_builtin_is_caught_as_that_builtin(producer, start_worker):
    start_worker()
    async with until(20):
        with pytest.raises(ValueError, match="no") as caught:
            await producer.gather(jobs.fail.call("no"))
        assert str(caught.value) == "no"
        assert "in fail" in caught.value.__notes__[-1]
        with pytest.raises(TimeoutError):
            await producer.gather(jobs.sleep.call(5), timeout=0.2)


async def test_annotated_results_and_arguments_come_back_as_their_type(producer, start_worker):
    start_worker()
    day = datetime(2026, 2, 28, tzinfo=UTC)
    async with until(20):
        (found,) = await producer.gather(jobs.tomorrow.call(day))
    assert found == datetime(2026, 3, 1, tzinfo=UTC)


async def test_current_job_tells_the_handler_where_it_is(producer, start_worker):
    start_worker()
    async with until(20):
        batch = await producer.submit([jobs.echo.call(0), jobs.where.call()])
        outcomes = await batch.outcomes()
    assert outcomes[1].value == {"slot": 1, "attempt": 1, "batch": batch.id}


async def test_a_batch_can_be_read_again_from_elsewhere_and_in_part(producer, start_worker):
    start_worker()
    async with until(20):
        batch = await producer.submit([jobs.echo.call(n) for n in range(1000)])
        assert [o.value async for o in batch] == list(range(1000))
        again = await producer.batch(batch.id)
        assert sorted([o.value async for o in again.as_completed()]) == list(range(1000))
        counts = await again.counts()
        assert (counts.size, counts.succeeded, counts.running) == (1000, 1000, 0)


@pytest.mark.arq
async def test_arq_reads_a_finished_job(producer, start_worker, queue):
    from arq.jobs import Job, JobStatus

    start_worker()
    async with until(20):
        batch = await producer.submit([jobs.echo.call("hello"), jobs.fail.call("no")])
        await batch.outcomes()
        good, bad = (
            Job(f"{batch.id}:{n}", producer.redis, queue, job_deserializer) for n in (0, 1)
        )
        assert await good.result() == "hello"
        assert await good.status() is JobStatus.complete
        with pytest.raises(ValueError, match="no"):
            await bad.result()


async def test_a_killed_workers_job_starts_elsewhere_within_the_lease(
    producer, start_worker, queue, tmp_path
):
    lease = 2.0
    path = tmp_path / "ledger"
    workers = {
        worker.pid: worker
        for worker in (start_worker("--processes", "0"), start_worker("--processes", "0"))
    }
    async with until(40):
        await in_contact(producer.redis, queue, 2, lease)
        batch = await producer.submit([jobs.ledger.call(str(path), 1.0)])
        (first,) = await lines_of(path, 1)
        os.kill(int(first), signal.SIGKILL)
        killed = asyncio.get_running_loop().time()
        lines = await lines_of(path, 2)
        assert asyncio.get_running_loop().time() - killed <= lease + 1
        (outcome,) = await batch.outcomes()
    assert int(first) in workers
    assert lines[1] != first
    assert outcome.value == int(lines[1])
    assert outcome.attempt == 2


async def test_a_woken_zombies_late_result_is_refused(producer, start_worker, queue, tmp_path):
    path = tmp_path / "ledger"
    start_worker("--processes", "0")
    start_worker("--processes", "0")
    async with until(40):
        await in_contact(producer.redis, queue, 2, 2.0)
        batch = await producer.submit([jobs.ledger.call(str(path), 1.5)])
        (first,) = await lines_of(path, 1)
        os.kill(int(first), signal.SIGSTOP)
        _, second = await lines_of(path, 2)
        (outcome,) = await batch.outcomes()
        before = await producer.redis.get(f"arq:result:{batch.id}:0")
        os.kill(int(first), signal.SIGCONT)
        # The woken worker takes work again, and what it does is recorded after its late result.
        await (await producer.submit([jobs.sleep.call(0.05)] * 200)).outcomes()
        assert await producer.redis.get(f"arq:result:{batch.id}:0") == before
    assert outcome.value == int(second) != int(first)


async def test_a_job_that_kills_its_workers_is_lost(producer, start_worker):
    start_worker("--processes", "2")
    async with until(60):
        batch = await producer.submit([jobs.die.call()])
        (outcome,) = await batch.outcomes()
    assert isinstance(outcome, Lost)
    assert outcome.attempts == 2


async def test_sigterm_releases_what_runs_too_long_uncharged(producer, start_worker, tmp_path):
    path = tmp_path / "ledger"
    worker = start_worker("--grace", "0.2")
    async with until(30):
        batch = await producer.submit([jobs.ledger.call(str(path), 1.0)])
        await lines_of(path, 1)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait) == 0
        start_worker()
        (outcome,) = await batch.outcomes()
    assert isinstance(outcome, Succeeded)
    assert outcome.attempt == 1


async def test_sigterm_lets_a_job_finish_within_the_grace(producer, start_worker, tmp_path):
    path = tmp_path / "ledger"
    worker = start_worker("--grace", "5")
    async with until(30):
        batch = await producer.submit([jobs.ledger.call(str(path), 0.5)])
        await lines_of(path, 1)
        worker.send_signal(signal.SIGTERM)
        (outcome,) = await batch.outcomes()
        assert await asyncio.to_thread(worker.wait) == 0
    assert outcome.attempt == 1


async def test_bad_calls_are_refused_before_anything_is_written(producer, server_url):
    with pytest.raises(InvalidCall, match="slot 1: argument 0 of echo.*object") as caught:
        await producer.submit([jobs.echo.call(1), jobs.echo.call(object())], batch_id="bad")
    assert caught.value.slot == 1
    with pytest.raises(PayloadTooLarge, match="limit is 8,388,608"):
        await producer.submit([jobs.echo.call("x" * 9_000_000)], batch_id="bad")
    for timeout in (0, -1, float("nan"), float("inf"), 1e12, True, "1"):
        with pytest.raises(InvalidCall, match="timeout must be"):
            await producer.submit([jobs.echo.call(1)], timeout=timeout, batch_id="bad")
    assert not await producer.redis.exists("gatherq:batch:bad")
    with pytest.raises(BatchNotFound, match="no batch bad"):
        await producer.batch("bad")


async def test_an_empty_batch_is_complete(producer):
    assert await producer.gather() == []
    batch = await producer.submit([])
    assert await (await producer.batch(batch.id)).outcomes() == []


async def test_submitting_a_batch_again_adds_nothing(producer, start_worker, tmp_path, queue):
    calls = [jobs.ledger.call(str(tmp_path / "ledger"), 0)] * 3
    batch_id = queue.replace(":", "-")
    async with until(20):
        await producer.submit(calls, batch_id=batch_id)
        batch = await producer.submit(calls, batch_id=batch_id)
        with pytest.raises(BatchConflict, match="3 jobs and not 2"):
            await producer.submit(calls[:2], batch_id=batch_id)
        start_worker()
        assert len(await batch.outcomes()) == 3
        await (await producer.submit(calls, batch_id=batch_id)).outcomes()
    assert len((tmp_path / "ledger").read_text().splitlines()) == 3


async def test_a_flushed_batch_says_so_instead_of_waiting(producer):
    batch = await producer.submit([jobs.echo.call(1)])
    await producer.redis.delete(f"gatherq:batch:{batch.id}")
    async with until(10):
        with pytest.raises(BatchNotFound, match="flushed"):
            await batch.outcomes()


async def test_a_cancelled_gather_never_runs_what_is_queued(producer, start_worker, tmp_path):
    path = tmp_path / "log"
    start_worker("--concurrency", "1")
    async with until(30):
        gathering = asyncio.create_task(producer.gather(*[jobs.linger.call(str(path))] * 500))
        await lines_of(path, 1)
        gathering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathering
        assert await producer.gather(jobs.echo.call(1)) == [1]
    assert path.read_text().splitlines() == ["begun", "cancelled"]


async def test_a_group_that_is_left_never_runs_what_is_queued(producer, start_worker, tmp_path):
    path = tmp_path / "log"
    start_worker("--concurrency", "1")
    async with until(30):
        with pytest.raises(ExceptionGroup):  # noqa: PT012
            async with producer.task_group() as group:
                handles = [group.create_task(jobs.linger.call(str(path))) for _ in range(20)]
                await lines_of(path, 1)
                raise KeyError
        assert all(handle.cancelled() for handle in handles)
        assert await producer.gather(jobs.echo.call(1)) == [1]
    assert path.read_text().splitlines() == ["begun", "cancelled"]
