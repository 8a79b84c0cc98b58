"""Places for what may run only so often at a time: each is held by one, and given back once."""

import asyncio
from collections.abc import Callable


class Seat:
    """One place among several of its kind."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def free(self) -> None:
        """Give it back; a second time does nothing."""
        give_back, self._give_back = self._give_back, None
        if give_back:
            give_back()


class Places:
    """At most `most` are held at a time; who waits for one is served in turn."""

    def __init__(self, most: int) -> None:
        self._most, self._wanted = most, 0
        self._free = asyncio.Semaphore(most)

    @property
    def left(self) -> int:
        """How many could be had without waiting."""
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
