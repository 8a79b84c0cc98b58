"""What a batch agrees to, as numbers; and the time that a job's batches inherit."""

import asyncio
from time import monotonic

import pytest

from gatherq.client.producer_leases import ProducerLeases
from gatherq.contract.batch_options import BatchOptions, batch_deadline, tolerated_failures
from gatherq.contract.current_job import CurrentJob, inherited_deadline, set_current
from gatherq.errors import InvalidCall


@pytest.mark.parametrize(
    ("tolerate", "size", "number"),
    [(None, 9, None), (0, 9, 0), (3, 9, 3), (0.05, 100, 5), (0.29, 100, 29), (1.0, 7, 7)],
)
def test_failures_are_counted_or_a_share(tolerate, size, number):
    assert tolerated_failures(tolerate, size) == number


@pytest.mark.parametrize("tolerate", [-1, True, "2", 1.01, -0.1, float("nan")])
def test_what_is_neither_is_refused(tolerate):
    with pytest.raises(InvalidCall, match="tolerate"):
        tolerated_failures(tolerate, 10)


async def test_the_budget_of_a_job_bounds_the_deadline_of_its_batches():
    assert batch_deadline(None) is None
    assert batch_deadline(5) == 5.0

    async def inside(left):
        set_current(CurrentJob("b:0", "b", 0, "f", 1, left, monotonic() + left))
        return batch_deadline(None), batch_deadline(5), batch_deadline(0.5)

    tight, given, own = await asyncio.create_task(inside(2))
    assert 1.5 < tight <= 2
    assert 1.5 < given <= 2
    assert own == 0.5
    assert await asyncio.create_task(inside(-1)) == (0.001, 0.001, 0.001)
    assert inherited_deadline() is None


def test_terms_go_as_milliseconds():
    assert BatchOptions().encoded() == {}
    assert BatchOptions(0, 1.5, 2, 0.0001).encoded() == {
        "tolerate": 0,
        "limit": 1500,
        "lease": 2000,
        "queue_timeout": 1,
    }


async def test_leases_are_renewed_until_there_is_none_or_they_are_let_go():
    asked = {"ends": 0, "goes on": 0, "let go": 0}
    often = asyncio.Event()

    async def renew(batch):
        asked[batch] += 1
        if asked["goes on"] == 1:
            raise ConnectionError("away")
        if asked["goes on"] >= 5:
            often.set()
        return batch != "ends"

    leases = ProducerLeases(renew)
    for batch in asked:
        leases.hold(batch, 0.03)
    leases.let_go("let go")
    async with asyncio.timeout(10):
        await often.wait()
    await leases.aclose()
    assert asked["ends"] == 1
    assert asked["let go"] == 0
