"""A supervisor tries on, whatever keeps it from starting a process."""

import asyncio
import logging
import signal

import pytest

from gatherq_worker.supervision.starter import Starter


class Child:
    """Remembers the signals that it gets."""

    def __init__(self):
        self.signals = []

    def signal(self, signum):
        self.signals.append(signum)


class Start:
    """Counts, and fails as often as it is told to."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.child = Child()

    async def __call__(self):
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


@pytest.mark.parametrize("error", SHORTAGES, ids=str)
async def test_it_says_so_once_a_change(caplog, error):
    start = Start(error, error, error)
    with caplog.at_level(logging.WARNING):
        starter = Starter(start, asyncio.Event(), longest_pause=0.001)
        assert await starter.start() is start.child
    first, last = [record.getMessage() for record in caplog.records]
    assert first == f"cannot start a worker process: {error!r}; trying on"
    assert last == "worker processes can be started again"
    assert not start.child.signals


async def test_a_stop_ends_its_tries(caplog):
    stopping = asyncio.Event()
    starting = asyncio.create_task(Starter(Start(*[OSError("no")] * 1000), stopping).start())
    while not caplog.records:
        await asyncio.sleep(0)
    stopping.set()
    async with asyncio.timeout(5):
        assert await starting is None


async def test_a_process_that_is_started_while_the_signal_comes_gets_it():
    stopping, child = asyncio.Event(), Child()

    async def start():
        stopping.set()
        return child

    assert await Starter(start, stopping).start() is child
    assert child.signals == [signal.SIGTERM]


async def test_pauses_grow_and_a_stop_ends_them():
    stopping = asyncio.Event()
    starter = Starter(Start(), stopping, longest_pause=3600)
    async with asyncio.timeout(5):
        await starter.pause(0)
        pause = asyncio.create_task(starter.pause(20))
        await asyncio.sleep(0)
        stopping.set()
        await pause
