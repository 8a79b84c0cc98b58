"""One blocked read for all the batches that a producer waits for."""

import asyncio
import logging
import secrets
from collections.abc import Iterable
from contextlib import suppress

from gatherq.aio import start_task
from gatherq.errors import BatchNotFound, RedisUnavailable
from gatherq.settings import NoWorkersPolicy
from gatherq.store.batches import BatchStore
from gatherq.store.server.errors import REDIS_ERRORS, code, is_refusal
from gatherq.store.server.retry import RedisRetry

from .janitor import Janitor, WatchedBatch
from .subscription import Subscription
from .worker_check import WorkerCheck

logger: logging.Logger = logging.getLogger("gatherq")

#: Seconds that a read blocks.
_BLOCK = 1.0
#: Pause after a reply that cannot be read, in seconds.
PAUSE = 0.5


class CompletionWatcher:
    """Reads the completion streams of any number of batches over one connection.

    `no_workers` says what becomes of batches for which no worker is there, `where` which server
    that is.
    """

    def __init__(
        self,
        store: BatchStore,
        retry: RedisRetry,
        no_workers: NoWorkersPolicy = "ignore",
        where: str = "",
    ) -> None:
        self._store, self._retry = store, retry
        self._batches: dict[str, WatchedBatch] = {}

        def fail(batch: str, error: BaseException) -> None:
            self._fail([batch], error)

        check = WorkerCheck(store, self._batches, fail, no_workers, where)
        self._janitor = Janitor(store, self._batches, fail, check)
        self._nudge_name, self._nudged_after = secrets.token_hex(8), b"0"
        self._read_task: asyncio.Task[None] | None = None
        self._janitor_task: asyncio.Task[None] | None = None
        self._nudge_tasks: set[asyncio.Task[None]] = set()
        self._blocked = self._nudged = self._closed = False

    def subscribe(self, batch: str, subscription: Subscription) -> None:
        """Begin to read a batch for a subscription, from its first completion on."""
        now = asyncio.get_running_loop().time()
        watched = self._batches.setdefault(batch, WatchedBatch(now))
        watched.subscriptions.add(subscription)
        # Other subscriptions to this batch leave out what they have had.
        watched.after = b"0"
        if not self._start() and self._blocked and not self._nudged:
            # The read is blocked on the streams known before: one nudge ends it, for all
            # subscriptions that come meanwhile.
            self._nudged = True
            nudge = start_task(self._send_nudge())
            self._nudge_tasks.add(nudge)
            nudge.add_done_callback(self._nudge_tasks.discard)

    def unsubscribe(self, batch: str, subscription: Subscription) -> None:
        """Stop reading for a subscription; a blocked read ends by itself within a second."""
        watched = self._batches.get(batch)
        if watched is not None:
            watched.subscriptions.discard(subscription)
            if not watched.subscriptions:
                del self._batches[batch]
        if not self._batches and self._janitor_task is not None:
            self._janitor_task.cancel()

    def _start(self) -> bool:
        """Start the tasks that do not run; return whether the reading was started."""
        if self._janitor_task is None or self._janitor_task.done():
            self._janitor_task = start_task(self._janitor.run(), name="gatherq-janitor")
            self._janitor_task.add_done_callback(self._restart)
        if self._read_task is not None and not self._read_task.done():
            return False
        self._read_task = start_task(self._watch(), name="gatherq-watcher")
        self._read_task.add_done_callback(self._restart)
        return True

    def _restart(self, task: "asyncio.Task[None]") -> None:
        """Start again after a cancellation of a task of ours, as at the end of `asyncio.run`.

        Otherwise its subscriptions, and those that come as it ends, would wait for ever.
        """
        if self._batches and not self._closed and not task.get_loop().is_closed():
            self._start()

    async def aclose(self, error: BaseException) -> None:
        """Stop; the subscriptions that are left fail with `error`."""
        self._closed = True
        tasks = (self._read_task, self._janitor_task, *self._nudge_tasks)
        running = [task for task in tasks if task and not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        self._fail(self._batches, error)

    async def _watch(self) -> None:
        logged = ""
        while self._batches:
            try:
                await self._read()
                logged = ""
            except RedisUnavailable as error:
                cause = error.__context__
                if cause is None or isinstance(cause, REDIS_ERRORS):
                    await self._refused(error)
                else:
                    logged = await self._unreadable(cause, logged)
            except Exception as error:
                logged = await self._unreadable(error, logged)
            finally:
                self._blocked = False

    async def _read(self) -> None:
        after = {batch: each.after for batch, each in self._batches.items() if each.readable}
        self._blocked, self._nudged = True, False
        self._nudged_after, completions = await self._retry(
            self._store.completions.watch, after, _BLOCK, (self._nudge_name, self._nudged_after)
        )
        self._blocked = False
        for batch, entries in completions.items():
            if (watched := self._batches.get(batch)) is None:
                continue
            lives = {entry.life for entry in entries}
            if not watched.are_of(lives) and not await self._is_there(batch, watched):
                continue
            watched.note_news(asyncio.get_running_loop().time())
            if watched.after == after[batch]:  # no subscription has come meanwhile
                watched.after = entries[-1].position
            for subscription in watched.subscriptions:
                subscription.put_entries(after[batch], entries)
        if completions:  # readers that have all slots now unsubscribe before the next read
            await asyncio.sleep(0)

    async def _is_there(self, batch: str, watched: WatchedBatch) -> bool:
        """Fail who reads another batch than the one that has the id; whether there is any.

        A completion has said that it is another; its word alone may be damaged.
        """
        found = await self._retry(self._store.identity, batch)
        if found is None:
            self._fail([batch], BatchNotFound.gone(batch, "its data"))
        else:
            watched.drop_others(found.life, BatchNotFound.replaced(batch))
        return found is not None

    async def _unreadable(self, error: BaseException, logged: str) -> str:
        """Wait after a reply that Redis would never give; return what was logged of it."""
        if logged != repr(error):
            logger.warning("a reply of Redis cannot be read: %r; it is asked again", error)
        await asyncio.sleep(PAUSE)
        return repr(error)

    async def _refused(self, error: RedisUnavailable) -> None:
        """Fail the batches that an error concerns: a read of many streams gets one answer."""
        if not is_refusal(error.__context__):
            self._fail(self._batches, error)  # the patience is over
            return
        of_a_batch = False
        for batch, watched in list(self._batches.items()):
            if watched.readable and (own := await self._error_of(batch, watched.after)):
                of_a_batch = True
                if code(own.__context__) == "WRONGTYPE":
                    logger.warning("batch %s: its completions are looked for: %s", batch, own)
                    watched.readable = False
                else:
                    self._fail([batch], own)
        if not of_a_batch and code(error.__context__) == "WRONGTYPE":  # the nudge has another type
            self._nudge_name, self._nudged_after = secrets.token_hex(8), b"0"
        elif not of_a_batch:
            self._fail(self._batches, error)

    async def _error_of(self, batch: str, after: bytes) -> RedisUnavailable | None:
        try:
            await self._retry(self._store.completions.read, batch, after)
        except RedisUnavailable as error:
            return error
        return None

    async def _send_nudge(self) -> None:
        with suppress(RedisUnavailable):  # the read gets that error too, and fails the batches
            await self._retry(self._store.completions.nudge, self._nudge_name)

    def _fail(self, batches: Iterable[str], error: BaseException) -> None:
        """Fail the subscriptions of these batches, and read them no more."""
        for batch in list(batches):
            if watched := self._batches.pop(batch, None):
                for subscription in watched.subscriptions:
                    subscription.fail(error)
