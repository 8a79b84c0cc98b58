"""Jobs that attack their worker, and jobs that leave code behind when they end."""

import asyncio
import os
import signal
import threading
import time

from gatherq import job

from .stuck import note


@job(max_attempts=2)
async def attacks(path: str, how: str) -> str:
    note(path, "start")
    await asyncio.sleep(0.2)
    loop = asyncio.get_running_loop()
    match how:
        case "cancels all":
            for task in asyncio.all_tasks():
                task.cancel()
        case "cancels all from a task":
            await asyncio.create_task(cancel_others())
        case "cancels all from a callback":
            loop.call_soon(cancel_all)
            await asyncio.sleep(0.1)
        case "stops the loop":
            for _ in range(3):
                loop.stop()
                await asyncio.sleep(0.01)
        case "exits in a callback":
            loop.call_soon(leave, SystemExit(75))
            await asyncio.sleep(0.1)
        case "exits in a task":
            task = asyncio.create_task(leave_soon(SystemExit(0)))
            await asyncio.wait([task])
        case "interrupts in a callback":
            loop.call_soon(leave, KeyboardInterrupt())
            await asyncio.sleep(0.1)
        case "SIGTERM":
            os.kill(os.getpid(), signal.SIGTERM)
        case "SIGINT":
            os.kill(os.getpid(), signal.SIGINT)
        case "SIGTERM to its group":
            os.killpg(0, signal.SIGTERM)
        case "SIGTERM twice":
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            os.kill(os.getpid(), signal.SIGTERM)
    return how


@job(max_attempts=2)
def exits(path: str, code: int) -> None:
    note(path, "start")
    time.sleep(0.2)
    os._exit(code)


@job(max_attempts=2)
def holds_the_interpreter(path: str) -> int:
    note(path, "start")
    return pow(3, 10**12 + 1, 7**400_000)  # one C call of many minutes


def cancel_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


async def cancel_others() -> None:
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()


def leave(error: BaseException) -> None:
    raise error


async def leave_soon(error: BaseException) -> None:
    raise error


@job()
async def leaves(path: str, what: str, seconds: float) -> str:
    """End, and leave something behind that blocks the loop soon after."""
    note(path, "start")
    loop = asyncio.get_running_loop()
    match what:
        case "a callback that sleeps":
            loop.call_later(0.1, time.sleep, seconds)
        case "a callback that spins":
            loop.call_later(0.1, spin, seconds)
        case "a task that spins":
            keep.add(asyncio.create_task(spin_soon(seconds)))
        case "a task that resists":
            keep.add(asyncio.create_task(resist_soon(seconds)))
        case "a callback that resists":
            loop.call_later(0.1, resist, seconds)
        case "a thread that calls back":
            threading.Timer(0.1, loop.call_soon_threadsafe, (resist, seconds)).start()
    return "left"


keep: set["asyncio.Task[None]"] = set()


def spin(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def resist(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            while time.monotonic() < until:
                pass
        except BaseException:
            pass


async def spin_soon(seconds: float) -> None:
    await asyncio.sleep(0.1)
    spin(seconds)


async def resist_soon(seconds: float) -> None:
    await asyncio.sleep(0.1)
    resist(seconds)


@job()
async def works(path: str, seconds: float) -> int:
    note(path, "start")
    await asyncio.sleep(seconds)
    return os.getpid()


@job()
async def blocks_in_a_task(seconds: float) -> str:
    async def spin_here() -> None:
        spin(seconds)

    await asyncio.create_task(spin_here())
    return "spun"


@job(concurrency=1, max_attempts=4)
async def narrow(path: str, seconds: float) -> int:
    note(path, "start")
    await asyncio.sleep(seconds)
    return os.getpid()


@job()
def threaded(path: str, seconds: float) -> int:
    note(path, "start")
    time.sleep(seconds)
    return os.getpid()
