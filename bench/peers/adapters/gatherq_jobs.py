"""The jobs of gatherq's worker."""

import asyncio
from typing import Any

from gatherq import job


@job()
async def echo(value: Any) -> Any:
    """Return what came."""
    return value


@job(timeout=60)
async def nap(value: Any, seconds: float) -> Any:
    """Return what came, later."""
    await asyncio.sleep(seconds)
    return value
