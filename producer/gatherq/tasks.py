"""Tasks of our own."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


def start(
    work: Coroutine[Any, Any, R],
    *,
    name: str | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> "asyncio.Task[R]":
    """Make a task that begins in a later turn of the loop, whatever its task factory does.

    `asyncio.eager_task_factory` (Python 3.12) runs a task up to its first wait inside of
    `create_task`, before its caller goes on. `loop` is given where it need not run at the time:
    `asyncio.run` cancels what is left when its loop stands still.
    """
    return asyncio.Task(work, loop=loop or asyncio.get_running_loop(), name=name)
