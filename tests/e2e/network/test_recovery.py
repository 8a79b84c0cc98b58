"""After a death all that was beside starts again at once, together, and keeps nobody waiting."""

import os
import signal
from collections import Counter
from time import monotonic

import pytest

from gatherq import Succeeded, call
from tests.conftest import until

from .conftest import LEASE

NAP, JOBS = 4.0, 60


@pytest.fixture
def both(stage):
    """Start two supervised workers, of our jobs or of arq's functions."""

    def start(kind):
        for _ in range(2):
            stage.worker(None, "--processes", "1", module=MODULES[kind])

    return start


MODULES = {"native": "jobs_on_a_ledger", "arq": "arq_on_a_ledger.WorkerSettings"}


@pytest.mark.parametrize("kind", list(MODULES))
async def test_sixty_jobs_end_in_time_though_a_child_is_killed_on_the_way(stage, both, kind):
    async with stage.producer() as producer, until(90):
        both(kind)
        await stage.ready()
        batch = await producer.submit([call("nap", stage.ledger, NAP) for _ in range(JOBS)])
        await stage.started(JOBS)
        pids = Counter(pid for _, _, pid in stage.starts())
        victim, held = pids.most_common(1)[0]
        os.kill(victim, signal.SIGKILL)
        killed = monotonic()
        await stage.started(JOBS + held)
        assert monotonic() - killed <= LEASE + 1
        new = await producer.submit([call("nap", stage.ledger, 0.0)])
        assert all(isinstance(o, Succeeded) for o in await new.outcomes())
        assert monotonic() - killed <= LEASE + 1.5  # nobody stands before it
        outcomes = await batch.outcomes()
        assert monotonic() - killed <= NAP + LEASE + 1
    assert all(isinstance(o, Succeeded) for o in outcomes)
    attempts = Counter(o.attempt for o in outcomes)
    assert (attempts[1], attempts[2]) == (JOBS - held, held)


@pytest.mark.parametrize("kind", list(MODULES))
async def test_two_deaths_in_a_row_lose_nothing_that_had_not_died_twice(stage, both, kind):
    async with stage.producer() as producer, until(120):
        both(kind)
        await stage.ready()
        batch = await producer.submit([call("nap", stage.ledger, NAP) for _ in range(JOBS)])
        await stage.started(JOBS)
        first, held = Counter(pid for _, _, pid in stage.starts()).most_common(1)[0]
        os.kill(first, signal.SIGKILL)
        starts = await stage.started(JOBS + held)
        second, _ = Counter(pid for _, _, pid in starts if pid != first).most_common(1)[0]
        os.kill(second, signal.SIGKILL)
        outcomes = await batch.outcomes()
    executions = Counter(job_id for job_id, _, _ in stage.starts())
    for outcome in outcomes:
        if not isinstance(outcome, Succeeded):
            assert outcome.status == "lost"
            assert executions[outcome.job_id] == outcome.attempts == 2
    assert all(count <= 2 for count in executions.values())
