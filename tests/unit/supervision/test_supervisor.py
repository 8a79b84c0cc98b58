"""A supervisor tries on, whatever keeps it from starting a process."""

import asyncio
import logging

import pytest

from gatherq_worker.supervision import supervisor
from gatherq_worker.supervision.supervisor import Supervisor


class Started:
    """Counts, and fails as often as it is told to."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.child = object()

    async def start(self, command, alive):
        if self.errors:
            raise self.errors.pop(0)
        return self.child


SHORTAGES = [
    BlockingIOError(11, "Resource temporarily unavailable"),
    OSError(12, "Cannot allocate memory"),
    OSError(24, "Too many open files"),
    OSError(28, "No space left on device"),
    RuntimeError("can't start new thread"),
    FileNotFoundError(2, "No usable temporary directory found"),
]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(supervisor, "_LONGEST_PAUSE", 0.001)


@pytest.mark.parametrize("error", SHORTAGES, ids=str)
async def test_it_says_so_once_a_change(monkeypatch, impatient, caplog, error):
    started = Started(error, error, error)
    monkeypatch.setattr(supervisor, "WorkerProcess", started)
    with caplog.at_level(logging.WARNING):
        assert await Supervisor([], 1, 1.0)._start() is started.child
    first, last = [record.getMessage() for record in caplog.records]
    assert first == f"cannot start a worker process: {error!r}; trying on"
    assert last == "worker processes can be started again"


async def test_a_stop_ends_its_tries(monkeypatch, caplog):
    monkeypatch.setattr(supervisor, "WorkerProcess", Started(*[OSError("no")] * 1000))
    one = Supervisor([], 1, 1.0)
    starting = asyncio.create_task(one._start())
    while not caplog.records:
        await asyncio.sleep(0)
    one._stop(15)
    async with asyncio.timeout(5):
        assert await starting is None


async def test_a_look_that_fails_is_not_the_last(monkeypatch, caplog):
    looks = asyncio.Queue()

    async def look(now):
        looks.put_nowait(now)
        raise ValueError("a page that is closed")

    monkeypatch.setattr(supervisor, "_LOOK", 0.001)
    one = Supervisor([], 1, 1.0)
    monkeypatch.setattr(one, "_look", look)
    watching = asyncio.create_task(one._watch())
    async with asyncio.timeout(10):
        for _ in range(3):
            await looks.get()
    watching.cancel()
    assert caplog.text.count("a look at the workers failed") == 1
