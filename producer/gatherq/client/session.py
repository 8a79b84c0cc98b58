"""State shared by the parts of one producer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from gatherq.aio import UncancellableTask, start_task
from gatherq.errors import ProducerClosed
from gatherq.settings import NoWorkersPolicy
from gatherq.store.batches import BatchStore
from gatherq.store.server.retry import RedisRetry

from .collection.completion_watcher import CompletionWatcher
from .producer_leases import ProducerLeases

P = ParamSpec("P")
R = TypeVar("R")


class Session:
    """Store, retry policy, completion watcher, producer leases and tasks of one producer.

    Shared with its batches and handles; closed with the producer.
    """

    def __init__(
        self,
        store: BatchStore,
        retry: RedisRetry,
        check: Callable[[], None],
        no_workers: NoWorkersPolicy = "ignore",
        where: str = "",
        closed: Callable[[], ProducerClosed] = ProducerClosed.now,
    ) -> None:
        #: Raises ProducerClosed or ProducerElsewhere where the producer may not be used.
        self.check = check
        #: Makes the error of what waits when the producer is closed.
        self.closed = closed
        self.store = store
        #: `retry(method, *args)` repeats a call while Redis is away.
        self.retry = retry
        #: Whether annotations that cannot be used are logged here: not where workers do beside us.
        self.warns: bool = True
        self._no_workers, self._where = no_workers, where
        self.begin()

    def begin(self) -> None:
        """Start with no task and no batch: at first, and in a new loop or process."""
        self.watcher: CompletionWatcher = CompletionWatcher(
            self.store, self.retry, self._no_workers, self._where
        )
        self.leases: ProducerLeases = ProducerLeases(self.store.renew_lease)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._finish_tasks: set[asyncio.Task[Any]] = set()

    def spawn(
        self,
        work: Coroutine[Any, Any, R],
        *,
        finish: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Task[R]:
        """Start a task that is cancelled when the producer closes; with `finish`, waited for."""
        task = start_task(work, loop=loop)
        self._add(task, self._finish_tasks if finish else self._tasks)
        return task

    def spawn_uncancellable(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, R]
    ) -> asyncio.Task[R]:
        """Start a task that finishes before the producer and the loop close, whoever cancels it.

        `work` awaits Redis by `finish_surely`: what runs in this task itself knows no timeout.
        """
        task = UncancellableTask(work, loop=loop)
        self._add(task, self._finish_tasks)
        return task

    def _add(self, task: asyncio.Task[Any], tasks: set[asyncio.Task[Any]]) -> None:
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def aclose(self) -> None:
        """Finish submissions and cancellations under way, then cancel all other tasks."""
        while unfinished := [task for task in self._finish_tasks if not task.done()]:
            await asyncio.wait(unfinished)
        await self.leases.aclose()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.watcher.aclose(self.closed())
