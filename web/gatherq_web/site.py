"""`Site`: what one application was told, and the connections that it reads by."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from gatherq.client.producer import Producer
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.metrics.pool_metrics import PoolMetrics
from gatherq.inspection.redaction.values import Redact
from gatherq.settings import Settings
from gatherq.store.server.connection import connection_pool

#: Seconds for which a page waits while Redis is away: then it says so.
_PATIENCE = 2.0


@dataclass(slots=True)
class Site:
    """Makes what reads the pool, and what acts on it."""

    redis_url: str
    queue: str
    redact: Redact | None = None
    _inspector: Inspector | None = field(default=None, init=False)
    _metrics: PoolMetrics | None = field(default=None, init=False)
    _end: AsyncGenerator[None, None] | None = field(default=None, init=False)

    def inspector(self, request: HTTPConnection | None = None) -> Inspector:
        """Return the Inspector of the queue that a request names, or of the usual one.

        All of them share their connections. Raises InvalidSetting for a name that is none.
        """
        if self._inspector is None:  # not before there is an event loop
            self._inspector = Inspector(
                self.redis_url, queue=self.queue, patience=_PATIENCE, redact=self.redact
            )
            self._end = self._closing()
            with suppress(StopIteration):  # runs up to its `yield`, without a wait
                self._end.asend(None).send(None)
        asked = request and request.query_params.get("queue")
        return self._inspector.on(asked) if asked else self._inspector

    async def _closing(self) -> AsyncGenerator[None, None]:
        """Close what is open when the event loop ends, which ends its asynchronous generators.

        An application that is mounted is not told of the end of the one around it.
        """
        try:
            yield
        finally:
            await self.aclose()

    def metrics(self) -> PoolMetrics:
        """Return what tells Prometheus of all queues; it knows for a while which there are."""
        if self._metrics is None:
            self._metrics = PoolMetrics(self.inspector())
        return self._metrics

    def producer(self, queue: str) -> Producer:
        """Return a Producer for a batch of a queue; use it with `async with`."""
        return Producer(
            self.redis_url, queue=queue or self.queue, patience=_PATIENCE, no_workers="ignore"
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._inspector is not None:
            await self._inspector.aclose()
            self._inspector = self._metrics = None


def site_of(request: HTTPConnection) -> Site:
    """Return the site that a request is for."""
    site: Site = request.app.state.site
    return site


def make_site(redis_url: str | None, queue: str | None, redact: Redact | None) -> Site:
    """Read what is not given from the environment.

    Raises InvalidSetting, and RedisUnavailable for what is no URL of Redis.
    """
    settings = Settings.read(redis_url=redis_url, queue=queue)
    connection_pool(settings.redis_url)
    return Site(settings.redis_url, settings.queue, redact)
