"""arq's functions that say when they start."""

import asyncio
import os
from typing import Any


async def nap(ctx: dict[Any, Any], path: str, seconds: float) -> float:
    descriptor = os.open(path, os.O_APPEND | os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, f"{ctx['job_id']} {ctx['job_try']} {os.getpid()}\n".encode())
    os.close(descriptor)
    await asyncio.sleep(seconds)
    return seconds


async def startup(ctx: dict[Any, Any]) -> None:
    ctx["started"] = True


class WorkerSettings:
    functions = [nap]  # noqa: RUF012 (as arq's users write it)
    on_startup = startup
    on_job_start = on_job_end = startup
    max_jobs = 100
    job_timeout = 30
    max_tries = 2
