"""Looks after batches that are waited for: nobody else ends what is late or lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from gatherq.errors import BatchNotFound
from gatherq.store.batches import BatchStore
from gatherq.store.server.errors import is_transient

from .worker_check import Silence, WorkerCheck

if TYPE_CHECKING:
    from .subscription import Subscription

P = ParamSpec("P")
R = TypeVar("R")

logger: logging.Logger = logging.getLogger("gatherq")

#: Seconds of silence after which a batch is looked at.
LOOK_AGAIN = 1.0
#: Longest pause between two looks at a batch, in seconds: what is lost is to be noticed in two.
LONGEST = 1.5
#: Slots that one call mends, and slots of a batch that are looked at in a second.
_CHUNK = 250
_RATE = 10_000
#: Slots that are looked at of a batch that is not silent: its first, which readers wait for.
_FIRST = 250
#: Longest pause between two looks at all slots of a batch, in seconds.
_LONGEST_FULL = 30.0
#: Status of a slot whose result was found by a look, and not by its completion.
FOUND = "found"


class WatchedBatch:
    """A batch with subscriptions: how far its stream is read, and when to look at it next."""

    def __init__(self, now: float) -> None:
        self.subscriptions: set[Subscription] = set()
        #: Position of the last completion that was read.
        self.after = b"0"
        #: Whether its stream can be read; if not, a look finds the results.
        self.readable = True
        #: How many of its slots were written at the last look; -1 before the first.
        self.written = -1
        self._full_look_at = 0.0
        self._looked = now
        self.look_at: float
        self.note_news(now)

    def note_news(self, now: float) -> None:
        """Note that completions came: the batch is not silent, and is looked at more seldom."""
        self._looks = 0
        self.look_at = min(now + LOOK_AGAIN, self._looked + LONGEST)
        self.silence: Silence = Silence(now)

    def note_look(self, now: float, again: float | None) -> None:
        """Note a look; the next is due in `again` seconds, or as the silence goes on."""
        self._looks += 1
        self._looked = now
        pause = LOOK_AGAIN if self._looks == 1 else LONGEST
        self.look_at = now + (pause if again is None else min(max(again, 0.01), pause))

    def slots_to_look_at(self, now: float) -> list[int]:
        """Return the pending slots if a look at all is due: the larger a batch, the more seldom.

        Of a batch that is not silent only the first.
        """
        if now < self._full_look_at or not self.subscriptions:
            return []
        slots = self.pending()
        if now - self.silence.since < LOOK_AGAIN:
            slots = slots[:_FIRST]
        # A little less than the pause between two looks, which would be missed by a hair otherwise.
        pause = min(max(LOOK_AGAIN * 0.9, len(slots) / _RATE), _LONGEST_FULL)
        self._full_look_at = now + pause
        return slots

    def pending(self) -> list[int]:
        """Return the slots that are not known to have ended."""
        if not self.subscriptions:
            return []
        first, *others = (subscription.pending for subscription in self.subscriptions)
        return sorted(set(first).union(*others)) if others else first

    @property
    def names(self) -> Sequence[str] | None:
        """Names of the jobs, as a subscription has them; None where nobody here submitted them."""
        return next((each.names for each in self.subscriptions if each.names), None)

    def are_of(self, lives: Iterable[str]) -> bool:
        """Tell whether all subscriptions may be to a batch that has all of these lives."""
        return all(each.is_of(life) for each in self.subscriptions for life in lives)

    def drop_others(self, life: str, error: BatchNotFound) -> None:
        """Fail subscriptions to an earlier batch under the id: one of this life is there now."""
        for subscription in [each for each in self.subscriptions if not each.is_of(life)]:
            self.subscriptions.discard(subscription)
            subscription.replace(error)

    def put_found(self, slots: list[int]) -> None:
        """Put slots that have a result into the subscriptions."""
        for subscription in self.subscriptions:
            subscription.put([(slot, FOUND) for slot in slots])


class Janitor:
    """Sweeps and mends silent batches, notices batches that are gone, and has workers looked for.

    Its errors are logged and it tries again; readers go on meanwhile.
    """

    def __init__(
        self,
        store: BatchStore,
        batches: Mapping[str, WatchedBatch],
        gone: Callable[[str, BatchNotFound], None],
        check: WorkerCheck,
    ) -> None:
        self._store, self._batches, self._gone = store, batches, gone
        self._check = check
        #: What fails and was logged.
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Go on while there are batches."""
        clock = asyncio.get_running_loop().time
        looked = clock()
        self._check.begin()
        while self._batches:
            due = min(watched.look_at for watched in self._batches.values())
            due = min(due, self._check.due())
            await asyncio.sleep(max(min(due - clock(), LOOK_AGAIN), 0.001))
            if clock() - looked >= LOOK_AGAIN:
                looked = clock()
                await self._attempt("look for batches", self._look_for_gone)
            for batch, watched in list(self._batches.items()):
                if watched.look_at <= clock():
                    await self._look_at(batch, watched, clock())
            if self._check.due() <= clock():
                await self._check.look()

    async def _look_for_gone(self) -> None:
        for batch in await self._store.completions.missing(list(self._batches)):
            self._end(batch)

    async def _look_at(self, batch: str, watched: WatchedBatch, now: float) -> None:
        swept = await self._attempt("sweep a batch", self._store.maintenance.sweep, batch)
        watched.note_look(now, swept and swept.again)
        slots, written = watched.slots_to_look_at(now), watched.written
        for start in range(0, len(slots), _CHUNK):
            if not watched.subscriptions:
                return
            chunk = slots[start : start + _CHUNK]
            if not await self._attempt("mend a batch", self._mend, batch, watched, chunk, written):
                await self._attempt("look for results", self._find, batch, watched, chunk)

    async def _mend(
        self, batch: str, watched: WatchedBatch, slots: list[int], written: int
    ) -> bool:
        """Put lost jobs back or end them; `written` is how many slots were written before."""
        mended = await self._store.maintenance.mend(batch, slots, written)
        if mended is None:
            self._end(batch)
        else:
            watched.written = mended.written
            watched.drop_others(mended.life, BatchNotFound.replaced(batch))
            watched.put_found(mended.ended)
        return True

    async def _find(self, batch: str, watched: WatchedBatch, slots: list[int]) -> None:
        watched.put_found(await self._store.slot_states.recorded(batch, slots))

    def _end(self, batch: str) -> None:
        self._gone(batch, BatchNotFound.gone(batch, "its data"))

    async def _attempt(
        self, what: str, method: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Return what a method returns, or None after an error, which is logged."""
        try:
            result = await method(*args, **kwargs)
        except Exception as error:
            self._log(what, error)
            return None
        self._refused.discard(what)
        return result

    def _log(self, what: str, error: Exception) -> None:
        """Log an error once until it is over; the log of an outage is the watcher's."""
        known = what in self._refused or is_transient(error)
        level = logging.DEBUG if known else logging.WARNING
        text = f"{type(error).__name__}: {error}"
        logger.log(level, "cannot %s: %s; what ends by itself is still read", what, text)
        if not known:
            self._refused.add(what)
