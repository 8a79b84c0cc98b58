"""Jobs that are cancelled are asked once, and what they do about it leaves their process alone."""

import asyncio
from collections import Counter

import pytest

from tests.conftest import lines_of, until

from . import cleaning

MANY = 50


async def cancelled(producer, calls, path):
    """Submit these, wait until all run, cancel them all at once; return how they ended."""
    batch = await producer.submit(calls)
    await lines_of(path, len(calls))
    await batch.cancel()
    return Counter(outcome.status for outcome in await batch.outcomes())


@pytest.fixture
async def neighbour(producer, start_worker, tmp_path):
    """Run a job beside; return what looks for it: its process at its first attempt, and now."""
    start_worker("--concurrency", "60", module="deadlines.cleaning")
    path, gate = tmp_path / "beside", tmp_path / "go"
    handle = await producer.submit_one(cleaning.held.call(str(path), str(gate)))
    await lines_of(path, 1)

    async def processes():
        gate.touch()
        outcome = await handle.outcome()
        assert outcome.attempt == 1
        return outcome.value, await (await producer.submit_one(cleaning.pid.call()))

    return processes


@pytest.mark.parametrize("how", ["reconnects", "computes"])
async def test_many_that_clean_up_at_once_leave_their_process_alone(
    producer, server_url, tmp_path, neighbour, how
):
    path = tmp_path / "told"
    if how == "computes":
        call = cleaning.computes.call(str(path))
    else:
        call = cleaning.reconnects.call(str(path), server_url)
    async with until(30):
        assert await cancelled(producer, [call] * MANY, path) == {"cancelled": MANY}
        told = Counter(await lines_of(path, 3 * MANY))
        assert told == {"begun": MANY, "cancelled": MANY, "clean": MANY}
        before, now = await neighbour()
    assert before == now


async def test_the_timeout_does_not_cut_the_grace_of_a_cancellation(
    producer, tmp_path, start_worker
):
    start_worker(module="deadlines.cleaning")
    path = tmp_path / "told"
    async with until(30):
        assert await cancelled(producer, [cleaning.past_its_timeout.call(str(path))] * 3, path) == {
            "cancelled": 3
        }
    assert Counter(await lines_of(path, 9))["clean"] == 3


async def test_many_that_are_a_little_late_leave_their_process_alone(producer, tmp_path, neighbour):
    path, gate = tmp_path / "told", tmp_path / "gate"
    calls = [cleaning.stays.call(str(path), str(gate))] * MANY
    async with until(30):
        assert await cancelled(producer, calls, path) == {"cancelled": MANY}
        gate.touch()
        await lines_of(path, 3 * MANY)
        before, now = await neighbour()
    assert before == now


async def test_a_process_with_many_that_stay_is_replaced(
    producer, tmp_path, neighbour, start_worker
):
    path, gate = tmp_path / "told", tmp_path / "gate"
    calls = [cleaning.stays.call(str(path), str(gate))] * MANY
    async with until(30):
        first = await (await producer.submit_one(cleaning.pid.call()))
        assert await cancelled(producer, calls, path) == {"cancelled": MANY}
        # The neighbour holds the old process, whose abandoned jobs end before it does.
        await asyncio.sleep(1.1)  # what is meant by staying
        waiting = await producer.submit_one(cleaning.pid.call())
        gate.touch()
        await lines_of(path, 3 * MANY)
        before, now = await neighbour()
        assert await waiting != first
    assert before == first
    assert now != first
