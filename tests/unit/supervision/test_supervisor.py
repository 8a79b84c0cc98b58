"""A supervisor goes on, whatever a look at its processes brings."""

import asyncio
import logging
import os
import signal
from time import monotonic
from types import SimpleNamespace

from gatherq_worker.ipc.process_contract import Farewell
from gatherq_worker.supervision.supervisor import Supervisor


class Child:
    """A process that ends when it is told to; its scoreboard says `farewell` then."""

    speaks, endpoint, worker, ended_for, ended_at = True, None, "w", "", 0.0

    def __init__(self, farewell, code=0, *, ready=True, failure="", running=(), counts=(0, 0)):
        self.ended, self.looks, self.born = asyncio.Event(), asyncio.Queue(), monotonic()
        self.scoreboard = SimpleNamespace(
            farewell=farewell,
            ready=ready,
            hurry=False,
            counts=counts,
            executions=lambda: running,
            running_job=lambda: None,
        )
        self.failure = failure
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


def supervisor_of(*children, look_interval=3600.0, processes=1, report=None):
    waiting = list(children)

    async def start():
        return waiting.pop(0)

    return Supervisor([], processes, 1.0, start, look_interval, report)


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


async def test_a_stop_is_told_once_for_all_processes_with_what_runs_and_what_ran(caplog):
    caplog.set_level(logging.INFO, logger="gatherq.worker")
    children = [
        Child(Farewell.STOPPED, running=("a", "b"), counts=(100, 2)),
        Child(Farewell.STOPPED, running=("c",), counts=(20, 1)),
    ]
    running = asyncio.create_task(supervisor_of(*children, processes=2).run())
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)
        assert await running == 0
    assert caplog.messages == [
        "stopping: waits up to 1 s for 3 running jobs; press Ctrl-C again to stop at once",
        "stopped: 120 jobs succeeded, 3 did not",
    ]


async def test_what_keeps_all_processes_from_work_is_said_once_and_they_are_not_started_again(
    caplog,
):
    why, said = "no module named 'kichen'", []
    children = [Child(Farewell.FAILED, 1, ready=False, failure=why) for _ in range(3)]
    for child in children:
        child.ended.set()
    async with asyncio.timeout(10):
        assert await supervisor_of(*children, processes=3, report=said.append).run() == 1
    assert said == [why]
    assert caplog.messages == []


async def test_a_process_that_could_work_before_is_started_again_and_a_new_failure_is_said():
    said = []
    children = [
        Child(Farewell.RECYCLE, 75),
        Child(Farewell.FAILED, 1, ready=False, failure="first"),
        Child(Farewell.FAILED, 1, ready=False, failure="first"),
        Child(Farewell.RECYCLE, 75),
        Child(Farewell.FAILED, 1, ready=False, failure="first"),
        Child(Farewell.FINAL),
    ]
    for child in children:
        child.ended.set()
    async with asyncio.timeout(20):
        assert await supervisor_of(*children, report=said.append).run() == 0
    assert said == ["first", "first"]
