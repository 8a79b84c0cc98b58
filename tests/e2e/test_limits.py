"""Limits, fairness and no hoarding, over worker processes and a real server."""

import asyncio
import signal
import statistics
import time
from collections import Counter

import pytest

from ..conftest import in_contact, until
from . import limited


@pytest.fixture
def workers(start_worker, producer, queue):
    """Start so many workers, and wait until all of them take jobs."""

    async def workers(n, *options, lease=2.0):
        started = [
            start_worker("--processes", "0", *options, module="limited", lease=lease)
            for _ in range(n)
        ]
        while len(await producer.redis.keys("gatherq:worker:*")) < n:
            await asyncio.sleep(0.01)
        key = f"gatherq:workers:{queue}"
        while await producer.redis.zcard(key) < n:
            await asyncio.sleep(0.01)
        return started

    return workers


def most_at_once(spans):
    """Return how many of these (begin, end) were at work at the same time, at most."""
    steps = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    at_work = most = 0
    for _, step in steps:
        at_work += step
        most = max(most, at_work)
    return most


def most_in_a_second(times):
    """Return how many there are in the fullest second, but for 50 ms.

    Jobs are claimed on time; on a busy machine some begin a little later than others.
    A machine that stands still for a moment leaves other seconds as full as they were, and
    one that is busy begins some later; half a rate is less than what is asked for here.
    """
    times = sorted(times)
    return max(sum(t <= u < t + 0.95 for u in times) for t in times)


async def test_processes_of_two_workers_share_the_jobs(producer, workers):
    await workers(2)
    async with until(60):
        spans = await producer.gather(*[limited.apart.call(1.0) for _ in range(8)])
    by_worker = Counter(worker for _, _, worker in spans)
    assert sorted(by_worker.values()) == [4, 4]
    assert most_at_once([span[:2] for span in spans]) == 8


async def test_as_soon_as_a_process_is_free_it_takes_the_next(producer, workers):
    await workers(2)
    async with until(60):
        spans = await producer.gather(*[limited.apart.call(0.5) for _ in range(24)])
    assert most_at_once([span[:2] for span in spans]) == 8
    begun, ended = (sorted(times) for times in list(zip(*spans, strict=True))[:2])
    waited = [begin - end for begin, end in zip(begun[8:], ended, strict=False)]
    assert 0 <= statistics.median(waited) < 0.25


async def test_jobs_that_run_one_at_a_time_run_on_both_workers(producer, workers):
    await workers(2)
    async with until(60):
        ran_on = await producer.gather(*[limited.alone.call(0.1) for _ in range(20)])
    assert min(Counter(ran_on).values()) >= 8
    assert len(set(ran_on)) == 2


async def test_a_quick_job_starts_behind_hundreds_that_wait_for_a_process(producer, workers):
    await workers(1)
    async with until(60):
        batch = await producer.submit([limited.apart.call(0.5) for _ in range(260)])
        submitted = time.time()
        (began,) = await producer.gather(limited.quick.call())
        assert began - submitted < 10  # of more than 30 s that the others take
        await batch.cancel()
        await batch.outcomes()


@pytest.mark.long
async def test_ten_jobs_behind_a_hundred_thousand_end_soon(producer, workers):
    await workers(2)
    async with until(120):
        batch = await producer.submit([limited.quick.call() for _ in range(100_000)])
        await producer.gather(*[limited.quick.call() for _ in range(10)])
        assert (await batch.counts()).finished < 50_000
        await batch.cancel()


async def test_a_batch_keeps_its_limit_though_a_worker_dies(producer, workers, queue):
    first, _ = await workers(2, lease=0.5)
    await in_contact(producer.redis, queue, 2, 0.5)
    async with until(60):
        batch = await producer.submit([limited.timed.call(0.02) for _ in range(300)], max_at_once=7)
        outcomes = batch.as_completed()
        for _ in range(50):
            await anext(outcomes)
        first.kill()
        await outcomes.aclose()
        spans = [outcome.value for outcome in await batch.outcomes()]
    assert most_at_once(spans) <= 7


async def test_a_job_keeps_its_limit_for_each_value(producer, workers):
    await workers(2)
    async with until(60):
        calls = [limited.fetch.call(f"host{n % 4}", n) for n in range(120)]
        spans = await producer.gather(*calls)
    for host in {each for each, *_ in spans}:
        assert most_at_once([span[1:] for span in spans if span[0] == host]) == 3
    assert most_at_once([span[1:] for span in spans]) > 3


async def test_a_rate_is_kept_and_reached_though_workers_come_and_go(producer, workers, queue):
    first, second = await workers(2, lease=0.5)
    await in_contact(producer.redis, queue, 2, 0.5)
    async with until(60):
        batch = await producer.submit([limited.timed.call() for _ in range(200)], max_per_second=50)
        outcomes = batch.as_completed()
        for _ in range(40):
            await anext(outcomes)
        first.kill()
        second.send_signal(signal.SIGSTOP)
        second.send_signal(signal.SIGCONT)
        await workers(1, lease=0.5)
        await outcomes.aclose()
        begun = [outcome.value[0] for outcome in await batch.outcomes()]
    assert most_in_a_second(begun) <= 51
    assert most_in_a_second(sorted(begun)[-100:]) >= 30


async def test_a_jobs_rate_is_kept(producer, workers):
    await workers(2)
    async with until(60):
        begun = await producer.gather(*[limited.paced.call() for _ in range(40)])
    assert 12 <= most_in_a_second(begun) <= 21


async def test_a_map_keeps_its_limits(producer, workers):
    await workers(2)
    async with until(60):
        outcomes = producer.map(limited.timed, [0.02] * 60, max_at_once=4)
        spans = [outcome.value async for outcome in outcomes]
        assert most_at_once(spans) <= 4
        outcomes = producer.map(limited.timed, [0.0] * 40, max_per_second=40)
        begun = [outcome.value[0] async for outcome in outcomes]
        assert 24 <= most_in_a_second(begun) <= 41


async def test_what_is_delayed_starts_then_and_holds_up_no_other(producer, workers):
    await workers(1)
    async with until(30):
        now = time.time()
        late, soon = await producer.gather(limited.quick.call().after(1), limited.quick.call())
        assert late - now >= 1.0
        assert soon < late


async def test_who_has_a_higher_priority_runs_first(producer, workers):
    batches = {
        level: await producer.submit([limited.quick.call() for _ in range(20)], priority=level)
        for level in (-2, 0, 3)
    }
    await workers(1, "--concurrency", "1")
    async with until(30):
        begun = {
            level: [outcome.value for outcome in await batch.outcomes()]
            for level, batch in batches.items()
        }
    assert max(begun[3]) < min(begun[0])
    assert max(begun[0]) < min(begun[-2])
