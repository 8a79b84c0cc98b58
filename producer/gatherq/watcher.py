"""One blocked read for all the batches that a producer waits for."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .errors import BatchNotFound, RedisUnavailable
from .stream import Entry, Words, latest, order

if TYPE_CHECKING:
    from .retrying import Retrying
    from .store import Store

#: Seconds of silence after which the watcher looks after its batches.
_LOOK_AGAIN = 1.0
#: Longest pause between two sweeps of a batch for which nothing is due, in seconds.
_LONGEST = 2.0


class Reader:
    """What one collector has not taken yet: slots and statuses, in the order they ended."""

    def __init__(self) -> None:
        self._after = (0, 0)
        self._words: Words = []
        self._error: BaseException | None = None
        self._news = asyncio.Event()

    def put(self, after: bytes, entries: Iterable[Entry]) -> None:
        """Hand over recordings since `after`; those that it had already are left out."""
        if order(after) > self._after:
            return  # it joined meanwhile, and is to read from the beginning
        for position, words in entries:
            if order(position) > self._after:
                self._after = order(position)
                self._words += words
                self._news.set()

    def fail(self, error: BaseException) -> None:
        """End the reading by an error."""
        self._error = error
        self._news.set()

    async def take(self) -> Words:
        """Wait for news; raises what the watcher failed with, after the last of them."""
        await self._news.wait()
        words, self._words = latest(self._words), []
        if self._error and not words:
            raise self._error
        if not self._error:
            self._news.clear()
        return words


class _Watched:
    """One batch: who reads it, how far it is read, and when to look after it."""

    def __init__(self, now: float) -> None:
        self.readers: set[Reader] = set()
        self.after = b"0"
        self.heard(now)

    def heard(self, now: float) -> None:
        """Note a sign of life."""
        self.pause = _LOOK_AGAIN
        self.look_at = now + self.pause

    def swept(self, now: float, again: float | None) -> None:
        """Note a sweep, and in how many seconds something is due."""
        self.pause = min(self.pause * 2, _LONGEST)
        self.look_at = now + (self.pause if again is None else min(max(again, 0.01), self.pause))


class Watcher:
    """Reads the completion streams of any number of batches over one connection."""

    def __init__(self, store: "Store", retrying: "Retrying") -> None:
        self._store, self._retrying = store, retrying
        self._batches: dict[str, _Watched] = {}
        self._name, self._nudged_after = secrets.token_hex(8), b"0"
        self._task: asyncio.Task[None] | None = None
        self._nudges: set[asyncio.Task[None]] = set()
        self._blocked = self._nudged = False

    def join(self, batch: str) -> Reader:
        """Begin to read a batch, from its first completion on."""
        reader = Reader()
        now = asyncio.get_running_loop().time()
        watched = self._batches.setdefault(batch, _Watched(now))
        watched.readers.add(reader)
        # Others who read this batch leave out what they had.
        watched.after = b"0"
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(), name="gatherq-watcher")
        elif self._blocked and not self._nudged:
            # It is blocked on the streams it knew: one write, however many join meanwhile.
            self._nudged = True
            nudge = asyncio.create_task(self._send_nudge())
            self._nudges.add(nudge)
            nudge.add_done_callback(self._nudges.discard)
        return reader

    def leave(self, batch: str, reader: Reader) -> None:
        """Stop reading; a blocked read ends by itself within a second."""
        watched = self._batches.get(batch)
        if watched is not None:
            watched.readers.discard(reader)
            if not watched.readers:
                del self._batches[batch]

    async def aclose(self, error: BaseException) -> None:
        """Stop; who still reads gets `error`."""
        tasks = [task for task in (self._task, *self._nudges) if task and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._fail(self._batches, error)

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        looked = clock()
        try:
            while self._batches:
                due = min(watched.look_at for watched in self._batches.values())
                await self._read(max(min(due - clock(), _LOOK_AGAIN), 0.001))
                if clock() - looked >= _LOOK_AGAIN:
                    looked = clock()
                    await self._look()
                await self._sweep(clock())
        except Exception as error:
            self._fail(self._batches, error)
        finally:
            self._blocked = False

    async def _read(self, block: float) -> None:
        after = {batch: watched.after for batch, watched in self._batches.items()}
        self._blocked, self._nudged = True, False
        self._nudged_after, found = await self._retrying(
            lambda: self._store.watch(after, block, (self._name, self._nudged_after))
        )
        self._blocked = False
        for batch, entries in found.items():
            if (watched := self._batches.get(batch)) is None:
                continue
            watched.heard(asyncio.get_running_loop().time())
            if watched.after == after[batch]:  # nobody has joined meanwhile
                watched.after = entries[-1][0]
            for reader in watched.readers:
                reader.put(after[batch], entries)
        if found:
            await asyncio.sleep(0)  # who has all leaves now, and is not read for again

    async def _look(self) -> None:
        """Tell the readers of batches that have gone: expired, deleted or flushed."""
        asked = list(self._batches)
        for batch in await self._retrying(lambda: self._store.missing(asked)):
            self._fail([batch], BatchNotFound.gone(batch, "its data"))

    async def _sweep(self, now: float) -> None:
        """End what is too late in silent batches: with no worker alive, nobody else does."""
        for batch, watched in list(self._batches.items()):
            if watched.look_at <= now:
                swept = await self._retrying(lambda: self._store.sweep(batch))  # noqa: B023
                watched.swept(now, swept and swept.again)

    async def _send_nudge(self) -> None:
        with contextlib.suppress(RedisUnavailable):  # the watcher itself tells its readers
            await self._retrying(lambda: self._store.nudge(self._name))

    def _fail(self, batches: Iterable[str], error: BaseException) -> None:
        for batch in list(batches):
            for reader in self._batches[batch].readers if batch in self._batches else ():
                reader.fail(error)
