"""What the parts of one producer share: its store, its patience, its watcher, leases and tasks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gatherq.aio import start_task
from gatherq.errors import ProducerClosed

from .collection.completion_watcher import CompletionWatcher
from .producer_leases import ProducerLeases

if TYPE_CHECKING:
    from gatherq.store.batches import BatchStore
    from gatherq.store.server.retry import RedisRetry

R = TypeVar("R")


class Session:
    """Lives as long as its producer."""

    def __init__(
        self, store: "BatchStore", retrying: "RedisRetry", check: Callable[[], None]
    ) -> None:
        #: Raises what keeps it from being used, or used here.
        self.check = check
        self.store, self.retrying = store, retrying
        self.begin()

    def begin(self) -> None:
        """Know no task and no batch: none has begun, or their loop is gone."""
        self.watcher = CompletionWatcher(self.store, self.retrying)
        self.leases = ProducerLeases(self.store.renew_lease)
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
        task = start_task(work, loop=loop, certain=certain)
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
