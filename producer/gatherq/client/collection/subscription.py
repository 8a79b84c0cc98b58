"""What one reader of a batch was told, and has not taken yet."""

import asyncio
from collections.abc import Callable, Iterable

from gatherq.store.completions import Entry, Words, order
from gatherq.store.redrive import REDRIVEN

#: Told of slots whose jobs are to be run again.
OnRedriven = Callable[[Iterable[int]], object]


class Reader:
    """The way of one reader through a batch: the slots that have ended, each once."""

    def __init__(self, size: int, on_redriven: OnRedriven | None = None) -> None:
        self._on_redriven = on_redriven
        self._after = (0, 0)
        self._told = bytearray(size)
        self._untaken: dict[int, None] = {}
        self._error: BaseException | None = None
        self._news = asyncio.Event()

    @property
    def left(self) -> int:
        """How many slots it has not taken."""
        return self._told.count(0) + len(self._untaken)

    @property
    def outstanding(self) -> list[int]:
        """Slots of which it was not told that they have ended."""
        return [slot for slot, told in enumerate(self._told) if not told]

    def put(self, after: bytes, entries: Iterable[Entry]) -> None:
        """Hand over recordings since `after`; those that it had already are left out."""
        if order(after) > self._after:
            return  # it joined meanwhile, and is to read from the beginning
        for position, words in entries:
            if order(position) > self._after:
                self._after = order(position)
                self.tell(words)

    def tell(self, words: Words) -> None:
        """Say what has ended; what it was told already, it is not told again."""
        for slot, status in words:
            if slot >= len(self._told):
                continue
            if status == REDRIVEN:
                self.expect([slot])
                if self._on_redriven:
                    self._on_redriven([slot])
            elif not self._told[slot]:
                self._told[slot] = 1
                self._untaken[slot] = None
        if self._untaken:
            self._news.set()

    def expect(self, slots: Iterable[int]) -> None:
        """Take back that these have ended: they are to be told again."""
        for slot in slots:
            self._told[slot] = 0
            self._untaken.pop(slot, None)

    def fail(self, error: BaseException) -> None:
        """End the reading by an error."""
        self._error = error
        self._news.set()

    async def take(self) -> list[int]:
        """Wait for slots that have ended; raises what ended the reading, after the last of them."""
        await self._news.wait()
        slots = self.taken()
        if self._error and not slots:
            raise self._error
        if not self._error:
            self._news.clear()
        return slots

    def taken(self) -> list[int]:
        """Return what it was told so far, and has not taken."""
        slots = list(self._untaken)
        self._untaken.clear()
        return slots
