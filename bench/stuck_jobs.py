"""Jobs for bench/timeouts.py: no-ops, and some that do not end."""

import asyncio
import os
import time

from gatherq import job


@job()
async def noop() -> None:
    """Do nothing, in the loop."""


@job()
def noop_thread() -> None:
    """Do nothing, in a thread."""


@job(isolation="process")
def noop_process() -> None:
    """Do nothing, in a process."""


@job(max_attempts=3)
async def ledger(path: str) -> None:
    """Note each start."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(handle, f"{os.getpid()}\n".encode())
    os.close(handle)
    await asyncio.sleep(1)


@job()
async def waits() -> None:
    """Wait, as asyncio wants it."""
    await asyncio.sleep(60)


@job()
async def blocks() -> None:
    """Block the loop in a system call."""
    time.sleep(60)  # noqa: ASYNC251


def _spin() -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        pass


@job()
async def spins() -> None:
    """Block the loop with Python code."""
    _spin()


@job()
async def swallows() -> None:
    """Take no notice of being cancelled."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            continue


@job()
async def resists() -> None:
    """Block the loop, and take no notice of anything."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            _spin()
        except BaseException:
            continue


@job()
def thread_spins() -> None:
    """Run on in a thread."""
    _spin()


@job()
def thread_sleeps() -> None:
    """Wait in a thread, where nothing can interrupt it."""
    time.sleep(3)


@job(isolation="process")
def process_spins() -> None:
    """Run on in a process."""
    _spin()


@job(isolation="process")
def process_gil() -> None:
    """Run on in C."""
    pow(3, 10**12 + 1, 7**400_000)
