"""Jobs with limits, for the end-to-end tests; they tell where and when they run."""

import asyncio
import os
import time

from gatherq import job


@job(isolation="process")
async def apart(seconds: float) -> tuple[float, float, int]:
    began = time.time()
    time.sleep(seconds)  # noqa: ASYNC251 (it is alone)
    return began, time.time(), os.getppid()


@job(concurrency=1)
async def alone(seconds: float) -> int:
    await asyncio.sleep(seconds)
    return os.getpid()


@job()
async def quick() -> float:
    return time.time()


@job()
async def timed(seconds: float = 0.0) -> tuple[float, float]:
    began = time.time()
    await asyncio.sleep(seconds)
    return began, time.time()


@job(max_at_once=3, per="host", retries=1, backoff=0.05)
async def fetch(host: str, n: int, seconds: float = 0.05) -> tuple[str, float, float]:
    began = time.time()
    await asyncio.sleep(seconds)
    return host, began, time.time()


@job(max_per_second=20)
async def paced() -> float:
    return time.time()
