"""Jobs that say when they start."""

import asyncio
import os

from gatherq import current_job, job


def note(path: str) -> None:
    line = f"{current_job().job_id} {current_job().attempt} {os.getpid()}\n"
    descriptor = os.open(path, os.O_APPEND | os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


@job()
async def nap(path: str, seconds: float) -> float:
    note(path)
    await asyncio.sleep(seconds)
    return seconds


@job(max_attempts=1)
async def once(path: str, seconds: float) -> float:
    note(path)
    await asyncio.sleep(seconds)
    return seconds


@job()
async def stuck_at_first(path: str) -> None:
    """Wait for a minute at the first attempt."""
    note(path)
    if current_job().attempt == 1:
        await asyncio.sleep(60)


@job(retries=3, backoff=0.05, jitter=0)
async def flaky(path: str, failures: int) -> int:
    note(path)
    if current_job().attempt <= failures:
        raise ValueError(current_job().attempt)
    return current_job().attempt
