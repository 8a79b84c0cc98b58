"""Tasks: started later, waited for in spite of a cancellation, or cancelled until they end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")

#: Seconds after which a task that goes on is cancelled again.
_AGAIN = 0.1


class UncancellableTask(asyncio.Task[R]):
    """Goes on when it is cancelled: `asyncio.run` waits for it before it closes its loop."""

    def cancel(self, msg: Any = None) -> bool:
        """Return False."""
        return False


def start_task(
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
    kind: type[asyncio.Task[R]] = UncancellableTask if certain else asyncio.Task
    return kind(work, loop=loop or asyncio.get_running_loop(), name=name)


async def finish_first(task: "asyncio.Task[R]") -> R:
    """Wait for a task even if the caller is cancelled meanwhile; then raise that.

    Who is cancelled once more leaves at once, and the task goes on: one that is promised is done
    before the producer closes.
    """
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # the cancellation is what is raised
        raise


async def cancel_and_wait(task: "asyncio.Task[Any]") -> None:
    """Cancel a task until it has ended.

    Once is not enough before Python 3.12: `asyncio.wait_for`, which redis-py sends commands with,
    swallows a cancellation that comes as the inner task ends.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN)
