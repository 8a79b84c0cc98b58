"""README's jobs."""

import asyncio

from gatherq import job


@job(timeout=10)
async def chop(vegetable: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"finished chopping {vegetable}"
