"""A supervisor goes on, whatever a look at its processes brings."""

import asyncio
import os
import signal
from time import monotonic
from types import SimpleNamespace

from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.supervision.supervisor import Supervisor


class Child:
    """A process that ends when it is told to; its scoreboard says `farewell` then."""

    def __init__(self, farewell, code=0):
        self.ended, self.looks, self.born = asyncio.Event(), asyncio.Queue(), monotonic()
        self.scoreboard = SimpleNamespace(farewell=farewell, ready=True, hurry=False)
        self.process = SimpleNamespace(wait=self._wait, pid=1)
        self.signals, self.code = [], code

    async def _wait(self):
        await self.ended.wait()
        return self.code

    @property
    def stuck(self):
        self.looks.put_nowait(None)
        raise ValueError("a scoreboard that is closed")

    def signal(self, signum):
        self.signals.append(signum)
        self.ended.set()

    def close(self):
        pass


def supervisor_of(*children, look_interval=3600.0):
    waiting = list(children)

    async def start():
        return waiting.pop(0)

    return Supervisor([], 1, 1.0, start, look_interval)


async def test_a_look_that_fails_is_not_the_last(caplog):
    child = Child(Farewell.FINAL)
    running = asyncio.create_task(supervisor_of(child, look_interval=0.001).run())
    async with asyncio.timeout(10):
        for _ in range(3):
            await child.looks.get()
        child.ended.set()
        assert await running == 0
    assert caplog.text.count("a look at the workers failed") == 1


async def test_a_process_that_is_done_for_good_gives_the_exit_code():
    child = Child(Farewell.FINAL, code=2)
    child.ended.set()
    async with asyncio.timeout(10):
        assert await supervisor_of(child).run() == 2


async def test_a_signal_reaches_the_processes_and_none_is_started_after_it():
    child = Child(Farewell.STOPPED)
    running = asyncio.create_task(supervisor_of(child).run())
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 0
    assert child.signals == [signal.SIGTERM]
