"""Jobs for the tests of `explain`: each brings its worker into a situation."""

import asyncio
import os
import signal
import time

from gatherq import current_job, job


@job()
async def wait(seconds: float) -> None:
    await asyncio.sleep(seconds)


@job(retries=3, backoff=600)
async def flaky() -> None:
    raise OSError("refused")


@job()
async def block(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251


@job(max_attempts=2)
async def deadly(seconds: float) -> None:
    if current_job().attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(seconds)
