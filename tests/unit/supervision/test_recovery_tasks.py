"""What a supervisor does for a process that has died, or whose interpreter is held."""

import asyncio
import logging
from types import SimpleNamespace

import pytest

from gatherq_worker.ipc.endpoint import Endpoint
from gatherq_worker.ipc.execution_table import ExecutionSnapshot
from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.supervision import recovery
from gatherq_worker.supervision.recovery_tasks import RecoveryTasks

HERE = Endpoint("redis://h", "q", 5.0)
DIED = "worker process 7: exit code 1"


class Recoverer:
    """Stands for Redis: fails as often as it is told to, and remembers the rest."""

    def __init__(self, failures=0):
        self.failures, self.deaths, self.renewed, self.closed = failures, [], [], False

    async def recover(self, death):
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.deaths.append(death)
        return 3

    async def renew_for(self, worker, blocked_by):
        if self.failures:
            raise ConnectionError("away")
        self.renewed.append((worker, blocked_by))

    async def close(self):
        self.closed = True


@pytest.fixture
def recoverer(monkeypatch):
    made = Recoverer()
    monkeypatch.setattr(recovery.Recoverer, "of", lambda endpoint: made)
    return made


def child_of(farewell=Farewell.NONE, endpoint=HERE, ended_for="", ended_at=0.0, running=None):
    scoreboard = SimpleNamespace(
        farewell=farewell, executions=lambda: ExecutionSnapshot({}), running_job=lambda: running
    )
    process = SimpleNamespace(pid=7)
    return SimpleNamespace(
        worker="w",
        process=process,
        scoreboard=scoreboard,
        endpoint=endpoint,
        ended_for=ended_for,
        ended_at=ended_at,
        close=lambda: None,
    )


async def recovered(child, code, *, stopping=False):
    tasks = RecoveryTasks()
    tasks.recover(child, code, stopping=stopping)
    await tasks.close(10)


@pytest.mark.parametrize(
    ("child", "code", "stopping", "cause"),
    [
        (child_of(), 1, False, "died"),
        (child_of(), -11, False, "died"),
        (child_of(), -9, False, "killed"),
        (child_of(ended_for="silent"), -9, False, "silent"),
        (child_of(ended_for="late", ended_at=5.0), -9, True, "late"),
        (child_of(), -9, True, "stopped"),
        (child_of(Farewell.RECYCLE), 75, False, "stopped"),
        (child_of(Farewell.FAILED), 1, False, "died"),
    ],
)
async def test_the_cause_is_told_by_whoever_ended_the_process(
    recoverer, child, code, stopping, cause
):
    await recovered(child, code, stopping=stopping)
    (death,) = recoverer.deaths
    assert (death.worker, death.cause) == ("w", cause)
    assert death.at == 5.0 or not child.ended_at
    assert recoverer.closed


async def test_a_process_that_its_supervisor_has_killed_was_killed_by_nobody_else(recoverer):
    await recovered(child_of(ended_for="silent"), -9)
    await recovered(child_of(), -9)
    assert ["supervisor" in death.how for death in recoverer.deaths] == [True, False]


@pytest.mark.parametrize(
    ("child", "line"),
    [
        (child_of(), f"{DIED}; 3 jobs released"),
        (child_of(endpoint=None), f"{DIED}; it had no jobs yet"),
        (
            child_of(endpoint=Endpoint(None, "q", 5.0)),
            f"{DIED}; its jobs start elsewhere when their leases have run out",
        ),
        (child_of(Farewell.RECYCLE), None),
    ],
)
async def test_a_line_says_what_becomes_of_the_jobs(recoverer, caplog, child, line):
    await recovered(child, 1)
    assert caplog.messages == ([line] if line else [])


async def test_it_tries_until_the_server_takes_it(recoverer, caplog):
    recoverer.failures = 2
    await recovered(child_of(), 1)
    assert len(recoverer.deaths) == 1
    assert sum("release the jobs of a dead worker" in line for line in caplog.messages) == 1


async def test_leases_are_renewed_and_a_failure_is_left_to_the_next_time(recoverer, caplog):
    caplog.set_level(logging.DEBUG)
    tasks = RecoveryTasks()
    tasks.renew(child_of(running=SimpleNamespace(job_id=b"b:1")), HERE)
    await tasks.close(10)
    assert recoverer.renewed == [("w", "b:1")]
    recoverer.failures = 1
    tasks.renew(child_of(), HERE)
    await tasks.close(10)
    assert "the leases of w are not renewed: away" in caplog.messages


async def test_the_end_waits_no_longer_than_it_is_told_to(recoverer):
    recoverer.failures = 1_000_000
    tasks = RecoveryTasks()
    tasks.recover(child_of(), 1, stopping=True)
    async with asyncio.timeout(10):
        await tasks.close(0.01)
    assert recoverer.closed
