"""What jobs leave behind when they end does not keep others from running."""

import asyncio

import pytest

from gatherq import Succeeded
from tests.conftest import until

from . import hostile
from .test_timeouts import ledger  # noqa: F401

INTERRUPTED = ["a callback that sleeps", "a callback that spins", "a task that spins"]
RESISTING = [
    "a task that resists",
    pytest.param("a callback that resists", marks=pytest.mark.long),
    pytest.param("a thread that calls back", marks=pytest.mark.long),
]


async def left(producer, path, what):
    """Leave something behind for a minute; return the outcomes of what runs meanwhile."""
    call = hostile.leaves.call(path, what, 60.0)
    neighbour = await producer.submit([hostile.works.call(path, 1.0)], timeout=50)
    (first,) = await (await producer.submit([call], timeout=50)).outcomes()
    assert isinstance(first, Succeeded), first
    await asyncio.sleep(0.2)  # it blocks by now, or does not yet: both are to be borne
    later = await producer.submit([hostile.works.call(path, 0)] * 3, timeout=50)
    return [*await neighbour.outcomes(), *await later.outcomes()]


@pytest.mark.parametrize("what", INTERRUPTED)
async def test_it_is_interrupted_at_once(producer, start_worker, ledger, what):  # noqa: F811
    start_worker(module="deadlines.hostile")
    async with until(4):
        outcomes = await left(producer, ledger.path, what)
    assert {(o.status, o.attempt) for o in outcomes} == {("succeeded", 1)}
    assert len({outcome.value for outcome in outcomes}) == 1, "the process goes on"


@pytest.mark.parametrize("what", RESISTING)
async def test_what_resists_has_its_process_replaced_and_nobody_is_charged(
    producer,
    start_worker,
    ledger,  # noqa: F811
    what,
):
    start_worker(module="deadlines.hostile")
    async with until(20):
        outcomes = await left(producer, ledger.path, what)
    assert {(o.status, o.attempt, len(o.history)) for o in outcomes} == {("succeeded", 1, 0)}


async def test_a_running_job_may_block_the_loop_within_its_limit(producer, start_worker):
    start_worker(module="deadlines.hostile", lease=1.0)
    async with until(30):
        call = hostile.blocks_in_a_task.call(7.0).with_timeout(20)
        (outcome,) = await (await producer.submit([call])).outcomes()
    assert isinstance(outcome, Succeeded), outcome
    assert outcome.attempt == 1
