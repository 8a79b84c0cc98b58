"""The recorder: reads the results of all jobs over and over, and sees whether one changes."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

#: Jobs whose results are read in one look, and seconds between two looks.
_AT_ONCE, _PAUSE = 500, 0.02


class Recorder:
    """Keeps what was first read of each job; `changes` says what was not so later."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._ids: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self._at = 0
        self._closing = False
        #: First result that was read, by job.
        self.first: dict[str, bytes] = {}
        #: Jobs whose outcome has changed; and what it was, and became.
        self.changes: list[str] = []
        self.details: list[str] = []

    def watch(self, ids: Iterable[str]) -> None:
        """Read the results of these, too."""
        self._ids += ids
        self._task = self._task or asyncio.create_task(self._run())

    def forget(self) -> None:
        """Begin anew: what was there may go, since a row has removed it."""
        self.first.clear()

    @asynccontextmanager
    async def looking_away(self) -> AsyncIterator[None]:
        """Read nothing within the block, and begin anew, by connections that are new."""
        await self._stop()
        yield
        await self._redis.connection_pool.disconnect()
        self.forget()
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop reading, after a last look at all."""
        if self._task:
            await self._stop()
            for _ in range(0, len(self._ids), _AT_ONCE):
                await self._look()

    async def _stop(self) -> None:
        self._closing = True  # redis-py may swallow a cancellation
        if self._task:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while not self._closing:
            with suppress(RedisError, OSError):  # a fault of the row
                await self._look()
            await asyncio.sleep(_PAUSE)

    async def _look(self) -> None:
        ids = self._ids[self._at : self._at + _AT_ONCE]
        self._at = self._at + len(ids) if self._at + len(ids) < len(self._ids) else 0
        if not ids:
            return
        found = await self._redis.mget([f"arq:result:{id_}" for id_ in ids])
        for id_, raw in zip(ids, found, strict=True):
            first = self.first.get(id_)
            if raw is not None and first is None:
                self.first[id_] = raw
            elif first is not None and raw != first:
                self.changes.append(f"{id_} was {'overwritten' if raw else 'removed'}")
                self.details.append(f"{id_} was {first[:300]!r}, then {(raw or b'')[:300]!r}")
                self.first[id_] = raw or first
