"""Jobs in threads and in processes of their own."""

import asyncio
import os
import subprocess
import sys
import threading
import time

from gatherq import Retry, current_job, job

from .stuck import note


def where(path: str) -> dict[str, object]:
    note(path, "start")
    current = current_job()
    return {
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        "slot": current.slot,
        "attempt": current.attempt,
        "in time": current.remaining() is not None,
    }


@job()
def plain(path: str) -> dict[str, object]:
    return where(path)


@job(isolation="process")
def apart(path: str) -> dict[str, object]:
    return where(path)


@job(isolation="process")
async def apart_and_async(path: str) -> dict[str, object]:
    await asyncio.sleep(0.01)
    return where(path)


def hang(path: str, how: str) -> str:
    note(path, "start")
    until = time.monotonic() + 60
    match how:
        case "sleep":
            time.sleep(60)
        case "spin":
            while time.monotonic() < until:
                pass
        case "resist":
            while time.monotonic() < until:
                try:
                    while time.monotonic() < until:
                        pass
                except BaseException:
                    pass
        case "gil":
            pow(3, 10**12 + 1, 7**400_000)
        case "children":
            with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
                handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.write(handle, f"child - - - {child.pid}\n".encode())
                os.close(handle)
                while True:
                    try:
                        child.wait()
                    except BaseException:
                        pass
    return "ended"


@job()
def hangs_in_a_thread(path: str, how: str) -> str:
    return hang(path, how)


@job(isolation="process")
def hangs_apart(path: str, how: str) -> str:
    return hang(path, how)


@job(isolation="process")
async def swallows_apart(path: str) -> str:
    note(path, "start")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
    return "swallowed"


@job(isolation="process", memory=600 * 1024 * 1024)
def eats(path: str) -> int:
    note(path, "start")
    return len(bytearray(10**9))


@job(isolation="process")
def dies_apart(path: str) -> None:
    note(path, "start")
    os._exit(7)


@job(concurrency=1)
async def one_at_a_time(path: str) -> None:
    note(path, "start")
    await asyncio.sleep(0.05)
    note(path, "end")


@job(isolation="process", retries=1, backoff=0, retry_on=KeyError)
def raises_apart(path: str, kind: str) -> int:
    note(path, "start")
    attempt = current_job().attempt
    if attempt == 1:
        raise {"key": KeyError("k"), "value": ValueError("v"), "asks": Retry(0.01)}[kind]
    return attempt


@job(isolation="process")
def unwritable_apart(path: str) -> object:
    return object()
