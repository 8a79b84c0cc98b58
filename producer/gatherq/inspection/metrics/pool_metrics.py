"""`/metrics`: what Prometheus gets when it asks."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from gatherq.errors import RedisUnavailable
from gatherq.inspection.checks.here import version_of

from .exposition import exposition
from .samples import samples_of
from .snapshot import Snapshot

if TYPE_CHECKING:
    from gatherq.inspection.inspector import Inspector

logger: logging.Logger = logging.getLogger("gatherq.metrics")

#: Seconds that reading may take, and a look at all keys beside it: Prometheus waits for ten.
_PATIENCE, _LOOK = 5.0, 3.0
#: Seconds after which all keys are looked at again for queues; most queues that are told of.
_LOOK_AGAIN, _MOST_QUEUES = 600.0, 100


class PoolMetrics:
    """The metrics of queues: the named ones, or all that there are.

    A queue is found at once when it has a worker. For one that has none, the names of all keys are
    looked at, at first and then every ten minutes. It tells of a hundred queues at the most.
    """

    def __init__(
        self,
        inspector: "Inspector",
        queues: Sequence[str] = (),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._inspector, self._named, self._clock = inspector, tuple(queues), clock
        self._known: set[str] = set()
        self._looked: float | None = None
        self._up = True

    async def render(self, accept: str = "") -> tuple[str, bytes]:
        """Return the content type and the text, by the `Accept` header of the request.

        While Redis is away `gatherq_redis_up` is 0, and what Redis tells is left out. Takes some
        seconds at most. Raises MissingExtra.
        """
        found = samples_of(await self._snapshot(), version_of("gatherq"))
        return await asyncio.to_thread(exposition, found, accept)

    async def _snapshot(self) -> Snapshot | None:
        """Read; None where Redis does not answer, or refuses."""
        try:
            async with asyncio.timeout(_PATIENCE + _LOOK):
                found = await self._inspector.snapshot(await self._queues())
        except (RedisUnavailable, TimeoutError) as error:
            self._note(up=False, why=str(error) or "Redis takes too long to answer")
            return None
        self._note(up=True)
        return found

    async def _queues(self) -> Sequence[str]:
        if self._named:
            return self._named
        if self._looked is None or self._clock() - self._looked >= _LOOK_AGAIN:
            await self._look()
        self._known.update(await self._inspector.queue_names(scan=False))
        return sorted(self._known)[:_MOST_QUEUES]

    async def _look(self) -> None:
        """Look at all keys, if this user may, and they are few. Raises RedisUnavailable."""
        why = ""
        try:
            async with asyncio.timeout(_LOOK):
                self._known = set(await self._inspector.queue_names())
        except (RedisUnavailable, TimeoutError) as error:
            why = str(error) or f"that takes longer than {_LOOK:g} s"
            await self._inspector.now()  # a server that is away is another matter
        self._looked = self._clock()
        if why:
            logger.warning("cannot look at all keys for queues without workers: %s", why)

    def _note(self, *, up: bool, why: str = "") -> None:
        if up != self._up:
            logger.warning("%s", "Redis is back" if up else f"nothing to tell of Redis: {why}")
        self._up = up
