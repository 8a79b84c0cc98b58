"""Tasks of our own."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


class Certain(asyncio.Task[R]):
    """Goes on when it is cancelled: `asyncio.run` waits for it before it closes its loop."""

    def cancel(self, msg: Any = None) -> bool:
        """Return False."""
        return False


def start(
    work: Coroutine[Any, Any, R],
    *,
    name: str | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    certain: bool = False,
) -> "asyncio.Task[R]":
    """Make a task that begins in a later turn of the loop, whatever its task factory does.

    `asyncio.eager_task_factory` (Python 3.12) runs a task up to its first wait inside of
    `create_task`, before its caller goes on. `loop` is given where it need not run at the time:
    `asyncio.run` cancels what is left when its loop stands still.
    """
    kind: type[asyncio.Task[R]] = Certain if certain else asyncio.Task
    return kind(work, loop=loop or asyncio.get_running_loop(), name=name)
