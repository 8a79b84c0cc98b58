"""The exporter as an ASGI application: `/metrics`, probes, and a page that names them."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gatherq.errors import RedisUnavailable
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.metrics.pool_metrics import PoolMetrics

_INDEX = """<!doctype html>
<html lang="en">
<title>gatherq exporter</title>
<h1>gatherq exporter</h1>
<ul>
<li><a href="metrics">metrics</a>
<li><a href="livez">livez</a>: this process answers
<li><a href="readyz">readyz</a>: so does Redis
</ul>
"""
#: Least bytes of an answer that are worth being compressed, where the other side takes that.
_WORTH = 1_000


class ExporterApp:
    """Answers from what an Inspector reads, of the named queues or of all."""

    def __init__(self, inspector: Inspector, queues: Sequence[str] = ()) -> None:
        self._inspector, self._metrics = inspector, PoolMetrics(inspector, queues)

    def asgi(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/", self._index),
                Route("/metrics", self._tell),
                Route("/livez", self._live),
                Route("/readyz", self._ready),
            ],
            middleware=[Middleware(GZipMiddleware, minimum_size=_WORTH)],
        )

    async def _index(self, _: Request) -> Response:
        return HTMLResponse(_INDEX)

    async def _tell(self, request: Request) -> Response:
        content_type, text = await self._metrics.render(request.headers.get("accept", ""))
        return Response(text, headers={"content-type": content_type})

    async def _live(self, _: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _ready(self, _: Request) -> Response:
        try:
            await self._inspector.now()
        except RedisUnavailable as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse("ready\n")
