"""Jobs whose cost is that of gatherq alone."""

import asyncio

from gatherq import job


@job()
async def noop(number: int) -> int:
    return number


@job()
async def fail(number: int) -> None:
    raise ValueError(f"no {number}")


@job()
async def hold(number: int) -> None:
    await asyncio.Event().wait()
