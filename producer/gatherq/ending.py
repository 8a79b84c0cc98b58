"""Ending a task for certain."""

import asyncio
from typing import Any

#: Seconds after which a task that goes on is cancelled again.
_AGAIN = 0.1


async def end(task: "asyncio.Task[Any]") -> None:
    """Cancel a task until it has ended.

    Once is not enough before Python 3.12: `asyncio.wait_for`, which redis-py sends commands with,
    swallows a cancellation that comes as the inner task ends.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN)
