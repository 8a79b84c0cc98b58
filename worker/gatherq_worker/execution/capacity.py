"""Capacity: places for executions of which only so many may run at a time."""

import asyncio
from collections.abc import Callable


class Seat:
    """One place, held by one execution."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def free(self) -> None:
        """Give it back; a second time does nothing."""
        give_back, self._give_back = self._give_back, None
        if give_back:
            give_back()


class Places:
    """At most `most` places are held at a time; those who wait are served in turn.

    `when_free` is called when a place is free where none was.
    """

    def __init__(self, most: int, when_free: Callable[[], None] | None = None) -> None:
        self._most, self._wanted, self._when_free = most, 0, when_free
        #: As many items as there are free places.
        self._free: asyncio.Queue[None] = asyncio.Queue()
        for _ in range(most):
            self._free.put_nowait(None)

    @property
    def left(self) -> int:
        """How many places could be taken without waiting."""
        return max(self._most - self._wanted, 0)

    def take_now(self) -> Seat | None:
        """Take a place if one is free; None if none is."""
        if not self.left:
            return None
        self._wanted += 1
        self._free.get_nowait()
        return Seat(self._give_back)

    async def take(self) -> Seat:
        """Wait for a place."""
        self._wanted += 1
        try:
            await self._free.get()
        except BaseException:
            self._wanted -= 1
            raise
        return Seat(self._give_back)

    def _give_back(self) -> None:
        self._wanted -= 1
        self._free.put_nowait(None)
        if self._when_free and self.left == 1:
            self._when_free()
