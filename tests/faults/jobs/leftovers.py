"""What leaves something behind when it ends: plain functions for any place, and coroutines."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, model_serializer

#: Seconds for which what is left behind goes on.
LONG = 20.0


class Slow(BaseModel):
    """Takes its time to be written, as JSON and as pickle."""

    @model_serializer
    def written(self) -> str:
        """Be slow."""
        time.sleep(LONG)
        return "written"

    def __reduce__(self) -> Any:
        time.sleep(LONG)
        return Slow, ()


def spin() -> None:
    """Run Python code."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


def resist() -> None:
    """Run Python code, whatever is raised in it."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            spin()
        except BaseException:
            continue


def fork(child: Callable[[], Any]) -> int:
    """Fork; in the child, which is no job any more, return what no job is to return."""
    pid = os.fork()
    if pid == 0:
        child()
        return -1
    return pid


def fail() -> None:
    """Raise an error."""
    raise ValueError("of the child")


def leave(what: str) -> Any:
    """Leave something behind, and return the pid of a process, or 0."""
    match what:
        case "a fork that returns":
            os.waitpid(fork(int), 0)
        case "a fork that raises":
            os.waitpid(fork(fail), 0)
        case "a fork that goes on":
            return fork(lambda: time.sleep(LONG))
        case "a child":
            return subprocess.Popen(["sleep", str(LONG)]).pid
        case "a thread":
            threading.Thread(target=time.sleep, args=(LONG,)).start()
        case "a busy thread":
            threading.Thread(target=spin, daemon=True).start()
        case "a timer that raises":
            threading.Timer(0.1, fail).start()
        case "a slow result":
            return Slow()
    return 0


kept: set["asyncio.Future[Any]"] = set()


async def leave_in_its_loop(what: str) -> int:
    """Leave something behind in the event loop."""
    loop = asyncio.get_running_loop()
    match what:
        case "a task that waits":
            kept.add(asyncio.create_task(asyncio.sleep(LONG)))
        case "a task that spins":
            kept.add(asyncio.create_task(soon(spin)))
        case "a task that raises":
            kept.add(asyncio.create_task(soon(fail)))
        case "a callback that sleeps":
            loop.call_later(0.1, time.sleep, LONG)
        case "a callback that resists":
            loop.call_later(0.1, resist)
        case "a full executor":
            kept.update(loop.run_in_executor(None, time.sleep, LONG) for _ in range(100))
    return 0


async def soon(what: Callable[[], Any]) -> None:
    """Call something when the job has ended."""
    await asyncio.sleep(0.1)
    what()


async def ask_an_executor() -> int:
    """Use the loop's executor, as a look-up of a host's name does."""
    return await asyncio.to_thread(int, 7)
