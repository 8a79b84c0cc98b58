"""Tasks: started in a later turn of the loop, awaited in spite of a cancellation, or cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds after which a task that has not ended is cancelled again.
_AGAIN = 0.1


class UncancellableTask(asyncio.Task[R]):
    """Ignores cancellation; `asyncio.run` waits for it before it closes the loop."""

    def cancel(self, msg: Any = None) -> bool:
        """Return False, and cancel nothing."""
        return False


def start_task(
    work: Coroutine[Any, Any, R],
    *,
    name: str | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> "asyncio.Task[R]":
    """Make a task that begins in a later turn of the loop, whatever the loop's task factory does.

    `asyncio.eager_task_factory` (Python 3.12) runs a task up to its first wait inside of
    `create_task`, before the caller goes on. Give `loop` where the loop may stand still:
    `asyncio.run` cancels the remaining tasks after its loop has stopped.
    """
    return asyncio.Task(work, loop=loop or asyncio.get_running_loop(), name=name)


async def finish_surely(
    method: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Await `method(*args, **kwargs)`, once more for each time that somebody cancels it.

    For an `UncancellableTask`. The method runs in a task of its own, which can be cancelled:
    `asyncio.timeout` ends by that, and with it every wait for a server that is silent.
    """
    while True:
        task = start_task(method(*args, **kwargs))
        await asyncio.wait([task])
        if not task.cancelled():
            return task.result()


async def finish_first(task: "asyncio.Task[R]") -> R:
    """Wait for a task even if the caller is cancelled meanwhile; then raise that cancellation.

    A second cancellation of the caller is raised at once, and the task goes on.
    """
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # retrieved: the cancellation is raised in its place
        raise


async def cancel_and_wait(task: "asyncio.Task[Any]") -> None:
    """Cancel a task repeatedly until it has ended.

    Before Python 3.12 one cancellation may be swallowed: `asyncio.wait_for`, which redis-py sends
    commands with, loses a cancellation that arrives as the inner task ends.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN)


def not_cancelled() -> bool:
    """Tell whether nobody has cancelled the current task: redis-py may swallow a cancellation."""
    task = asyncio.current_task()
    return task is None or not task.cancelling()
