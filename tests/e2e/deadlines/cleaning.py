"""Jobs that clean up when they are cancelled, many at once."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

from redis.asyncio import Redis

from gatherq import current_job, job
from gatherq.store.server.connection import connection_pool

#: redis-py's own connections cannot be used in a cancelled task before this.
OLD = sys.version_info < (3, 11, 3)


def note(path: str, line: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{line}\n")


async def until_cancelled(path: str) -> None:
    note(path, "begun")
    try:
        await asyncio.Event().wait()
    finally:
        note(path, "cancelled")


@job(grace=10)
async def reconnects(path: str, url: str) -> None:
    """Clean up over a connection of its own."""
    try:
        await until_cancelled(path)
    except asyncio.CancelledError:
        async with Redis.from_pool(connection_pool(url)) if OLD else Redis.from_url(url) as redis:
            await redis.ping()
        note(path, "clean")
        raise


@job(grace=0.1)
async def computes(path: str) -> None:
    """Clean up in short steps, of which many jobs together block the loop.

    All of it takes longer than the grace: some are cancelled once more before they are clean.
    """
    try:
        await until_cancelled(path)
    except asyncio.CancelledError:
        with suppress(asyncio.CancelledError):
            for _ in range(3):
                end = monotonic() + 0.01
                while monotonic() < end:
                    pass
                await asyncio.sleep(0)
        note(path, "clean")
        raise


@job(grace=20, timeout=0.5)
async def past_its_timeout(path: str) -> None:
    """Clean up until after its own timeout."""
    try:
        await until_cancelled(path)
    except asyncio.CancelledError:
        left = current_job().remaining()
        assert left
        await asyncio.sleep(left + 0.1)
        note(path, "clean")
        raise


@job(grace=0.1)
async def stays(path: str, gate: str) -> None:
    """Stay until a file is there, whatever is asked of it."""
    try:
        await until_cancelled(path)
    except asyncio.CancelledError:
        while not Path(gate).exists():
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                continue
        note(path, "clean")
        raise


@job()
async def held(path: str, gate: str) -> int:
    """Run until a file is there; return the process."""
    note(path, "begun")
    while not Path(gate).exists():
        await asyncio.sleep(0.02)
    return os.getpid()


@job()
async def pid() -> int:
    return os.getpid()
