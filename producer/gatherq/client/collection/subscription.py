"""Slots of a batch that have ended, queued for one reader."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from gatherq.store.completions import Entry, SlotStatuses, is_another, order
from gatherq.store.redrive import REDRIVEN

#: Called with slots whose jobs are to run again.
OnRedriven = Callable[[Iterable[int]], object]


class Subscription:
    """A queue of the slots of one batch that have ended, each once, for one reader.

    `get` and `get_nowait` are those of `asyncio.Queue`, for all slots in the queue at a time.
    """

    def __init__(
        self,
        size: int,
        on_redriven: OnRedriven | None = None,
        names: Sequence[str] | None = None,
        life: str = "",
    ) -> None:
        self._on_redriven, self._life = on_redriven, life
        #: Names of the jobs, one for each slot or one for all; None where they are not known.
        self.names = names
        self._after = (0, 0)
        #: For each slot, whether it has been put into the queue.
        self._ended = bytearray(size)
        self._queue: dict[int, None] = {}
        #: Results that came with completions, of slots in the queue or that `get` gave last.
        self._results: dict[int, bytes] = {}
        self._error: BaseException | None = None
        self._changed = asyncio.Event()

    @property
    def remaining(self) -> int:
        """How many slots the reader has not got."""
        return self._ended.count(0) + len(self._queue)

    @property
    def pending(self) -> list[int]:
        """Slots that are not known to have ended."""
        return [slot for slot, ended in enumerate(self._ended) if not ended]

    def is_of(self, life: str) -> bool:
        """Tell whether a batch is the one that is read, and no other under its id."""
        return not is_another(life, self._life)

    def put_entries(self, after: bytes, entries: Iterable[Entry]) -> None:
        """Queue the slots of completions read from `after` on; earlier ones are left out."""
        if order(after) > self._after:
            return  # subscribed during that read: the next one begins at the first completion
        for position, statuses, results, _ in entries:
            if order(position) > self._after:
                self._after = order(position)
                self.put(statuses)
                for slot in results.keys() & self._queue.keys():
                    self._results[slot] = results[slot]

    def put(self, statuses: SlotStatuses) -> None:
        """Queue slots that have ended, unless they were queued before."""
        for slot, status in statuses:
            if slot >= len(self._ended):
                continue
            if status == REDRIVEN:
                self.reset([slot])
                if self._on_redriven:
                    self._on_redriven([slot])
            elif not self._ended[slot]:
                self._ended[slot] = 1
                self._queue[slot] = None
        if self._queue:
            self._changed.set()

    def reset(self, slots: Iterable[int]) -> None:
        """Note that slots have not ended after all: they are queued again when they do."""
        for slot in slots:
            self._ended[slot] = 0
            self._queue.pop(slot, None)
            self._results.pop(slot, None)

    def replace(self, error: BaseException) -> None:
        """Let `get` raise `error`, whatever was queued: another batch has the id now."""
        self.reset(range(len(self._ended)))
        self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Let `get` raise `error` once the queue is empty."""
        self._error = error
        self._changed.set()

    async def get(self) -> list[int]:
        """Wait for slots that have ended and return them; raises the error given to `fail`."""
        await self._changed.wait()
        slots = self.get_nowait()
        if self._error and not slots:
            raise self._error
        if not self._error:
            self._changed.clear()
        return slots

    def take_results(self, slots: Iterable[int]) -> dict[int, bytes]:
        """Return the results of those of these slots that came with their completions; once."""
        return {slot: self._results.pop(slot) for slot in slots if slot in self._results}

    def get_nowait(self) -> list[int]:
        """Return the slots in the queue, and empty it.

        Results of earlier slots are forgotten: a reader that has not taken them waits for others,
        and they may be of a batch that is gone when these come, in whose place another stands.
        """
        slots = list(self._queue)
        self._results = {slot: self._results[slot] for slot in slots if slot in self._results}
        self._queue.clear()
        return slots
