"""Jobs that do not end when they are asked to. Each keeps a ledger of its executions."""

import asyncio
import os
import signal
import time

from gatherq import Retry, current_job, job


def note(path: str, word: str) -> None:
    """Append a line: what happened, in which attempt of which slot, in which process."""
    where = current_job()
    line = f"{word} {where.name} {where.slot} {where.attempt} {os.getpid()}\n".encode()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line)
    os.close(handle)


@job()
async def sleeps(path: str, seconds: float) -> str:
    note(path, "start")
    await asyncio.sleep(seconds)
    note(path, "end")
    return "slept"


@job()
async def blocks(path: str, seconds: float) -> str:
    note(path, "start")
    time.sleep(seconds)  # noqa: ASYNC251
    return "blocked"


@job()
async def spins(path: str, seconds: float) -> str:
    note(path, "start")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
    return "spun"


@job()
async def spins_in_a_task(path: str, seconds: float) -> str:
    async def spin() -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pass

    note(path, "start")
    async with asyncio.TaskGroup() as group:
        group.create_task(spin())
    return "spun"


@job()
async def resists(path: str, seconds: float) -> str:
    """Block the loop, and take no notice of whatever is raised here."""
    note(path, "start")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            while time.monotonic() < until:
                pass
        except BaseException:
            pass
    return "resisted"


@job()
async def holds_the_gil(path: str) -> int:
    note(path, "start")
    return pow(3, 10**12 + 1, 7**400_000)  # one C call of many minutes


@job()
async def swallows(path: str, seconds: float) -> str:
    note(path, "start")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        pass
    return "swallowed"


@job()
async def swallows_for_ever(path: str) -> None:
    note(path, "start")
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass


@job(grace=2)
async def cleans_up(path: str, seconds: float) -> None:
    note(path, "start")
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(seconds)
        note(path, "cleaned")


@job()
async def own_timeouts(which: str) -> None:
    if which == "raised":
        raise TimeoutError("mine")
    if which == "wait_for":
        await asyncio.wait_for(asyncio.sleep(60), 0.01)
    async with asyncio.timeout(0.01):
        await asyncio.sleep(60)


@job(retries=2, backoff=0.05, retry_on=ValueError)
async def flaky(path: str, good: int, kind: str) -> int:
    note(path, "start")
    attempt = current_job().attempt
    if attempt < good:
        raise (ValueError if kind == "ValueError" else KeyError)(f"attempt {attempt}")
    return attempt


@job(retries=1, backoff=0.05, retry_timeouts=True)
async def slow_at_first(path: str) -> str:
    note(path, "start")
    await asyncio.sleep(0 if current_job().attempt > 1 else 60)
    return "done"


@job(max_attempts=3)
async def asks(path: str, times: int) -> int:
    note(path, "start")
    attempt = current_job().attempt
    if attempt <= times:
        raise Retry(0.05) from LookupError("not yet")
    return attempt


@job(max_attempts=2)
async def dies(path: str, how: str) -> None:
    note(path, "start")
    await asyncio.sleep(0.3)
    match how:
        case "exit":
            os._exit(0)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "in a task":
            async with asyncio.TaskGroup() as group:
                group.create_task(leave())


async def leave() -> None:
    await asyncio.sleep(0)
    os._exit(3)
