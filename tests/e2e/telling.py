"""Jobs that say how far they are, and wait for the test."""

import asyncio
import os
import time
from pathlib import Path

from gatherq import Retry, current_job, job


@job()
async def in_loop(path: str) -> None:
    current_job().progress(1, 3, "in the\nloop")
    while not Path(path).exists():
        await asyncio.sleep(0.01)


@job()
def in_thread(path: str) -> None:
    current_job().progress(2, 3)
    while not Path(path).exists():
        time.sleep(0.01)


@job(isolation="process")
def in_process(path: str) -> int:
    for n in range(100_000):
        current_job().progress(n, 100_000)
    current_job().progress(2.5, None, "é")
    while not Path(path).exists():
        time.sleep(0.01)
    return n


@job()
async def blocks(path: str) -> None:
    _wait(path)


def _wait(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


@job()
async def resists() -> None:
    _resist()


def _resist() -> None:
    while True:
        try:
            time.sleep(60)
        except BaseException:
            continue


@job(isolation="process")
def forks(before: bool) -> int | None:
    """Say it before the fork, or first in the fork, which comes back to the engine."""
    if before:
        current_job().progress(1)
    pid = os.fork()
    if pid == 0:
        current_job().progress(2)
        return None
    return os.waitpid(pid, 0)[1]


@job(retries=1)
async def again() -> int:
    if current_job().attempt == 1:
        raise Retry(0)
    return 1


@job()
async def fails() -> None:
    raise ValueError("no")
