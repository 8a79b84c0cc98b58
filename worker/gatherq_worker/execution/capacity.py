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
    """At most `most` places are held at a time; those who wait are served in turn."""

    def __init__(self, most: int) -> None:
        self._most, self._wanted = most, 0
        self._free = asyncio.Semaphore(most)

    @property
    def left(self) -> int:
        """How many places could be taken without waiting."""
        return max(self._most - self._wanted, 0)

    async def take(self) -> Seat:
        """Wait for a place."""
        self._wanted += 1
        try:
            await self._free.acquire()
        except BaseException:
            self._wanted -= 1
            raise
        return Seat(self._give_back)

    def _give_back(self) -> None:
        self._wanted -= 1
        self._free.release()
