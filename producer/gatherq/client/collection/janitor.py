"""Looking after batches that are silent: with no worker alive, nobody else does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from gatherq.errors import BatchNotFound
from gatherq.store.server.errors import is_transient

if TYPE_CHECKING:
    from gatherq.store.batches import BatchStore

    from .subscription import Reader

R = TypeVar("R")

logger = logging.getLogger("gatherq")

#: Seconds of silence after which a batch is looked after.
LOOK_AGAIN = 1.0
#: Longest pause between two looks at a silent batch, in seconds.
_LONGEST = 2.0
#: Slots that one call mends; and that are looked at in a second, whatever the size of the batch.
_RUN = 250
_RATE = 10_000
#: Longest pause between two looks at all slots of a batch, in seconds.
_LONGEST_FULL = 30.0
#: What a look says of a slot that has a result.
FOUND = "found"


class WatchedBatch:
    """One batch: who reads it, how far it is read, and when to look after it."""

    def __init__(self, now: float) -> None:
        self.readers: set[Reader] = set()
        self.after = b"0"
        #: Whether its stream can be read.
        self.audible = True
        #: How many of its slots were written when they were last looked at; -1: not yet.
        self.written = -1
        self._full_at = 0.0
        self.heard(now)

    def heard(self, now: float) -> None:
        """Note a sign of life."""
        self._looks = 0
        self.look_at = now + LOOK_AGAIN

    def looked(self, now: float, again: float | None) -> None:
        """Note a look, and in how many seconds something is due."""
        self._looks += 1
        pause = LOOK_AGAIN if self._looks == 1 else _LONGEST
        self.look_at = now + (pause if again is None else min(max(again, 0.01), pause))

    def outstanding(self, now: float) -> list[int]:
        """Return the slots to be looked at now, if it is time: a large batch, the more seldom."""
        if now < self._full_at or not self.readers:
            return []
        first, *others = (reader.outstanding for reader in self.readers)
        slots = sorted(set(first).union(*others)) if others else first
        # A little less than the pause between two looks, which would else be missed by a hair.
        self._full_at = now + min(max(LOOK_AGAIN * 0.9, len(slots) / _RATE), _LONGEST_FULL)
        return slots

    def found(self, slots: list[int]) -> None:
        """Tell its readers what has a result."""
        for reader in self.readers:
            reader.tell([(slot, FOUND) for slot in slots])


class Janitor:
    """Ends what is too late, finds what is lost, and notices batches that have gone.

    What fails here is tried again; it keeps nobody from reading.
    """

    def __init__(
        self,
        store: "BatchStore",
        batches: Mapping[str, WatchedBatch],
        gone: Callable[[str, BatchNotFound], None],
    ) -> None:
        self._store, self._batches, self._gone = store, batches, gone
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Go on while there are batches."""
        clock = asyncio.get_running_loop().time
        looked = clock()
        while self._batches:
            due = min(watched.look_at for watched in self._batches.values())
            await asyncio.sleep(max(min(due - clock(), LOOK_AGAIN), 0.001))
            if clock() - looked >= LOOK_AGAIN:
                looked = clock()
                await self._attempt("look for batches", self._look_for_gone)
            for batch, watched in list(self._batches.items()):
                if watched.look_at <= clock():
                    await self._look_after(batch, watched, clock())

    async def _look_for_gone(self) -> None:
        for batch in await self._store.missing(list(self._batches)):
            self._end(batch)

    async def _look_after(self, batch: str, watched: WatchedBatch, now: float) -> None:
        swept = await self._attempt("sweep a batch", lambda: self._store.sweep(batch))
        watched.looked(now, swept and swept.again)
        slots, before = watched.outstanding(now), watched.written
        for start in range(0, len(slots), _RUN):
            if not watched.readers:
                return
            await self._mend(batch, watched, slots[start : start + _RUN], before)

    async def _mend(self, batch: str, watched: WatchedBatch, slots: list[int], before: int) -> None:
        """Let what is lost be put back or ended; `before` is what was written at the last look."""

        async def mend() -> bool:
            mended = await self._store.mend(batch, slots, before)
            if mended is None:
                self._end(batch)
            else:
                watched.written = mended.written
                watched.found(mended.ended)
            return True

        async def look() -> None:
            watched.found(await self._store.recorded(batch, slots))

        if not await self._attempt("mend a batch", mend):
            await self._attempt("look for results", look)

    def _end(self, batch: str) -> None:
        self._gone(batch, BatchNotFound.gone(batch, "its data"))

    async def _attempt(self, what: str, attempt: Callable[[], Awaitable[R]]) -> R | None:
        try:
            found = await attempt()
        except Exception as error:
            self._log(what, error)
            return None
        self._refused.discard(what)
        return found

    def _log(self, what: str, error: Exception) -> None:
        """Say it once a change; of an outage, the watcher does."""
        known = what in self._refused or is_transient(error)
        level = logging.DEBUG if known else logging.WARNING
        logger.log(level, "cannot %s: %s; what ends by itself is still read", what, _text(error))
        if not known:
            self._refused.add(what)


def _text(error: Any) -> str:
    return f"{type(error).__name__}: {error}"
