"""What the parts of one producer share: its store, its patience, its watcher, leases and tasks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import ProducerClosed
from .lease import Leases
from .tasks import start
from .watcher import Watcher

if TYPE_CHECKING:
    from .retrying import Retrying
    from .store import Store

R = TypeVar("R")


class Link:
    """Lives as long as its producer."""

    def __init__(self, store: "Store", retrying: "Retrying", check: Callable[[], None]) -> None:
        #: Raises what keeps it from being used, or used here.
        self.check = check
        self.store, self.retrying = store, retrying
        self.begin()

    def begin(self) -> None:
        """Know no task and no batch: none has begun, or their loop is gone."""
        self.watcher = Watcher(self.store, self.retrying)
        self.leases = Leases(self.store.renew_lease)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._promised: set[asyncio.Task[Any]] = set()

    def spawn(
        self,
        work: Coroutine[Any, Any, R],
        *,
        promised: bool = False,
        certain: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Task[R]:
        """Start a task that ends with the producer; what is promised is done before that.

        What is certain is done before the loop ends, too, whoever cancels it.
        """
        task = start(work, loop=loop, certain=certain)
        tasks = self._promised if promised or certain else self._tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    async def aclose(self) -> None:
        """Write what is promised (submissions, cancellations), then end all tasks."""
        while promised := [task for task in self._promised if not task.done()]:
            await asyncio.wait(promised)
        await self.leases.aclose()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.watcher.aclose(closed())


def closed() -> ProducerClosed:
    """Say why nothing comes any more."""
    return ProducerClosed.now()


async def finish_first(task: "asyncio.Task[R]") -> R:
    """Wait for a task of `spawn` even if the caller is cancelled meanwhile; then raise that.

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
