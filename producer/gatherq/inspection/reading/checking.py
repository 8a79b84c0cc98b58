"""What is wrong, as `Inspector` finds out."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.errors import RedisUnavailable
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.checks.finding import Finding, unchecked
from gatherq.inspection.checks.here import check_here, version_of
from gatherq.inspection.checks.pool import check_expiry, check_pool
from gatherq.inspection.checks.safety import check_safety
from gatherq.inspection.checks.server import check_server
from gatherq.inspection.checks.stranded import check_handlers, check_others
from gatherq.store.inspection.server_report import ServerReader
from gatherq.store.server.retry import RedisRetry

from .queues import QueueReading

if TYPE_CHECKING:
    from redis.asyncio import Redis

_RIGHTS = "docs/deploying.md has the rights of a user who looks"
#: Most waiting jobs whose names are read, and other queues that are looked at.
_SAMPLE, _QUEUES = 100, 50


class Checking:
    """Looks at the server, then at the pool; each part gives findings."""

    def __init__(self, redis: "Redis", keys: KeySpace, retry: RedisRetry) -> None:
        self._keys, self._retry = keys, retry
        self._server, self._queues = ServerReader(redis, keys), QueueReading(redis, retry)

    async def server(self, url: str) -> list[Finding]:
        """Return findings on the server at that URL, and on this program."""
        report = await self._retry(self._server.report)
        return [
            *check_here(url, self._keys.queue),
            *check_server(report),
            *check_safety(report, url),
        ]

    async def pool(self, batches: Awaitable[list[BatchInfo]]) -> list[Finding]:
        """Return findings on the queue, its workers and its batches."""
        try:
            listed = await batches
            found = await self._queues.look(self._keys)
            waiting = await self._queues.oldest_names(self._keys, _SAMPLE)
        except RedisUnavailable as error:
            return [unchecked("pool", f"workers, queue and batches: {error}", _RIGHTS)]
        return [
            *check_pool(found.queue, found.workers, listed, found.time, version_of("gatherq")),
            *check_handlers(found.queue, found.workers, waiting),
            *await self._elsewhere(),
        ]

    async def _elsewhere(self) -> list[Finding]:
        """Return findings on the other queues of the server."""
        try:
            names = await self._queues.names(self._keys)
            others = [name for name in names if name != self._keys.queue][:_QUEUES]
            spaces = [KeySpace(name, self._keys.database) for name in others]
            queues = [(await self._queues.look(keys)).queue for keys in spaces]
        except RedisUnavailable as error:
            return [unchecked("elsewhere", f"other queues: {error}", _RIGHTS)]
        return [*check_others(queues)]

    async def expiry(self) -> list[Finding]:
        """Return what there is to say of keys that never expire."""
        try:
            names = await self._queues.names(self._keys)
            found = await self._retry(self._server.keys_that_stay, names)
        except RedisUnavailable as error:
            return [unchecked("expiry", f"keys that never expire: {error}", _RIGHTS)]
        return [check_expiry(self._keys.queue, found)]
