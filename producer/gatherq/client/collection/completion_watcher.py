"""One blocked read for all the batches that a producer waits for."""

import asyncio
import logging
import secrets
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from gatherq.aio import start_task
from gatherq.errors import RedisUnavailable
from gatherq.store.server.errors import code, is_transient

from .janitor import Janitor, WatchedBatch

if TYPE_CHECKING:
    from gatherq.store.batches import BatchStore
    from gatherq.store.server.retry import RedisRetry

    from .subscription import Reader

logger = logging.getLogger("gatherq")

#: Seconds that a read blocks.
_BLOCK = 1.0
#: Pause after a reply that cannot be read, in seconds.
_PAUSE = 0.5


class CompletionWatcher:
    """Reads the completion streams of any number of batches over one connection."""

    def __init__(self, store: "BatchStore", retrying: "RedisRetry") -> None:
        self._store, self._retrying = store, retrying
        self._batches: dict[str, WatchedBatch] = {}
        self._caretaker = Janitor(store, self._batches, lambda b, error: self._fail([b], error))
        self._name, self._nudged_after = secrets.token_hex(8), b"0"
        self._reading: asyncio.Task[None] | None = None
        self._caring: asyncio.Task[None] | None = None
        self._nudges: set[asyncio.Task[None]] = set()
        self._blocked = self._nudged = self._closed = False

    def join(self, batch: str, reader: "Reader") -> None:
        """Begin to read a batch, from its first completion on."""
        now = asyncio.get_running_loop().time()
        watched = self._batches.setdefault(batch, WatchedBatch(now))
        watched.readers.add(reader)
        # Others who read this batch leave out what they had.
        watched.after = b"0"
        if not self._begin() and self._blocked and not self._nudged:
            # It is blocked on the streams it knew: one write, however many join meanwhile.
            self._nudged = True
            nudge = start_task(self._send_nudge())
            self._nudges.add(nudge)
            nudge.add_done_callback(self._nudges.discard)

    def leave(self, batch: str, reader: "Reader") -> None:
        """Stop reading; a blocked read ends by itself within a second."""
        watched = self._batches.get(batch)
        if watched is not None:
            watched.readers.discard(reader)
            if not watched.readers:
                del self._batches[batch]
        if not self._batches and self._caring is not None:
            self._caring.cancel()

    def _begin(self) -> bool:
        """Start what does not run; return whether the reading was started."""
        if self._caring is None or self._caring.done():
            self._caring = start_task(self._caretaker.run(), name="gatherq-caretaker")
            self._caring.add_done_callback(self._go_on)
        if self._reading is not None and not self._reading.done():
            return False
        self._reading = start_task(self._watch(), name="gatherq-watcher")
        self._reading.add_done_callback(self._go_on)
        return True

    def _go_on(self, task: "asyncio.Task[None]") -> None:
        """Begin again if somebody has cancelled a task of ours, as the end of `asyncio.run` does.

        Whoever waits by then would wait for ever, and so would whoever joins as it ends.
        """
        if self._batches and not self._closed and not task.get_loop().is_closed():
            self._begin()

    async def aclose(self, error: BaseException) -> None:
        """Stop; who still reads gets `error`."""
        self._closed = True
        tasks = (self._reading, self._caring, *self._nudges)
        running = [task for task in tasks if task and not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        self._fail(self._batches, error)

    async def _watch(self) -> None:
        said = ""
        while self._batches:
            try:
                await self._read()
                said = ""
            except RedisUnavailable as error:
                await self._refused(error)
            except Exception as error:
                if said != repr(error):
                    said = repr(error)
                    logger.warning("a reply of Redis cannot be read: %s; it is asked again", said)
                await asyncio.sleep(_PAUSE)
            finally:
                self._blocked = False

    async def _read(self) -> None:
        audible = {batch: each.after for batch, each in self._batches.items() if each.audible}
        self._blocked, self._nudged = True, False
        self._nudged_after, found = await self._retrying(
            lambda: self._store.watch(audible, _BLOCK, (self._name, self._nudged_after))
        )
        self._blocked = False
        for batch, entries in found.items():
            if (watched := self._batches.get(batch)) is None:
                continue
            watched.heard(asyncio.get_running_loop().time())
            if watched.after == audible[batch]:  # nobody has joined meanwhile
                watched.after = entries[-1][0]
            for reader in watched.readers:
                reader.put(audible[batch], entries)
        if found:
            await asyncio.sleep(0)  # who has all leaves now, and is not read for again

    async def _refused(self, error: RedisUnavailable) -> None:
        """End whom an error concerns: Redis gives one answer for all streams of a read."""
        if not isinstance(error.__cause__, ResponseError) or is_transient(error.__cause__):
            self._fail(self._batches, error)  # patience is over
            return
        concerned = False
        for batch, watched in list(self._batches.items()):
            if watched.audible and (own := await self._error_of(batch, watched.after)):
                concerned = True
                if code(own.__cause__) == "WRONGTYPE":
                    logger.warning("batch %s: its completions are looked for: %s", batch, own)
                    watched.audible = False
                else:
                    self._fail([batch], own)
        if not concerned and code(error.__cause__) == "WRONGTYPE":
            self._name, self._nudged_after = secrets.token_hex(8), b"0"
        elif not concerned:
            self._fail(self._batches, error)

    async def _error_of(self, batch: str, after: bytes) -> RedisUnavailable | None:
        try:
            await self._retrying(lambda: self._store.completions(batch, after))
        except RedisUnavailable as error:
            return error
        return None

    async def _send_nudge(self) -> None:
        with suppress(RedisUnavailable):  # the watcher itself tells its readers
            await self._retrying(lambda: self._store.nudge(self._name))

    def _fail(self, batches: Iterable[str], error: BaseException) -> None:
        """Tell the readers of these, and read no more for them."""
        for batch in list(batches):
            if watched := self._batches.pop(batch, None):
                for reader in watched.readers:
                    reader.fail(error)
