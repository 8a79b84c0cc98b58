"""What a job has done when it has returned is still its own doing."""

import pytest

from gatherq import Lost, Succeeded
from tests.conftest import until

from . import afterwards
from .test_timeouts import ledger  # noqa: F401


@pytest.mark.parametrize("how", ["exits", "aborts", "closes all"])
async def test_a_job_that_ends_its_process_after_its_return_is_lost_and_nobody_else(
    producer,
    start_worker,
    ledger,  # noqa: F811
    how,
):
    start_worker(module="deadlines.afterwards")
    async with until(60):
        calls = [afterwards.works.call(ledger.path, 0.3) for _ in range(3)]
        calls.append(afterwards.ends_its_process_afterwards.call(ledger.path, how))
        *siblings, culprit = await (await producer.submit(calls, timeout=30)).outcomes()
    assert all(isinstance(outcome, Succeeded) for outcome in siblings), siblings
    assert isinstance(culprit, Lost | Succeeded), (
        culprit
    )  # it may be recorded before its process ends
    assert ledger.starts()[3] <= 2


@pytest.mark.parametrize("seconds", [30.0, 0.0001])
async def test_a_default_that_a_job_sets_for_sockets_is_not_that_of_isolated_jobs(
    producer, start_worker, seconds
):
    start_worker(module="deadlines.afterwards")
    async with until(60):
        await (await producer.submit([afterwards.sets_a_default.call(seconds)])).outcomes()
        calls = [afterwards.apart.call(n) for n in range(60)]
        outcomes = await (await producer.submit(calls, timeout=30)).outcomes()
    assert [outcome.unwrap() for outcome in outcomes] == list(range(60))
    assert all(outcome.attempt == 1 for outcome in outcomes)
