"""Jobs that are counted."""

import asyncio
from pathlib import Path

from gatherq import job


@job()
async def adds(n: int) -> int:
    return n + 1


@job()
async def fails(n: int) -> None:
    raise ValueError(f"no {n}")


@job(timeout=0.05)
async def hangs() -> None:
    await asyncio.Event().wait()


@job()
async def waits(path: str) -> None:
    """Wait until the file is there."""
    while not Path(path).exists():
        await asyncio.sleep(0.01)
