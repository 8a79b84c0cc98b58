"""Jobs for the end-to-end tests."""

import asyncio
import os
from datetime import datetime, timedelta

from gatherq import Producer, current_job, job


@job()
async def echo(value: object) -> object:
    return value


@job()
async def tomorrow(day: datetime) -> datetime:
    return day + timedelta(days=1)


@job()
async def sleep(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@job()
async def fail(message: str) -> None:
    raise ValueError(message)


@job()
async def own_timeout() -> None:
    raise TimeoutError("mine")


@job()
async def swallow(seconds: float) -> str:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        pass
    return "swallowed"


@job()
async def cancel_itself() -> None:
    raise asyncio.CancelledError


@job()
async def unwritable() -> object:
    return object()


@job()
async def large(size: int) -> str:
    return "x" * size


@job()
async def where() -> dict[str, object]:
    current = current_job()
    return {"slot": current.slot, "attempt": current.attempt, "batch": current.batch_id}


@job(max_attempts=3)
async def ledger(path: str, seconds: float) -> int:
    """Append a line at the start of each execution, then take a while."""
    line = f"{os.getpid()}\n".encode()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line)
    os.close(handle)
    await asyncio.sleep(seconds)
    return os.getpid()


@job()
async def linger(path: str) -> None:
    """Say by a line that it has begun, and by another that it was cancelled."""
    with open(path, "a", buffering=1) as log:  # noqa: ASYNC230
        log.write("begun\n")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            log.write("cancelled\n")
            raise


@job(max_attempts=2)
async def die() -> None:
    os._exit(137)


@job()
async def remaining() -> float | None:
    return current_job().remaining()


@job()
async def nest(url: str, queue: str) -> str:
    """Submit a job that takes longer than this one may, and say how that one ended."""
    async with Producer(url, queue=queue) as producer:
        batch = await producer.submit([sleep.call(60)])
        return batch.id


@job(max_attempts=1)
async def needs(path: str, number: int) -> int:
    """Fail until there is a file."""
    if not os.path.exists(path):
        raise FileNotFoundError(path)
    return number
