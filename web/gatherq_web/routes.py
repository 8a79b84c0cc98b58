"""Which address is answered by what."""

from starlette.routing import BaseRoute, Route

from .live.streams import batch_stream, queue_stream
from .pages.batches import batches
from .pages.health import livez, readyz
from .pages.login import login
from .rendering.assets import assets

ROUTES: list[BaseRoute] = [
    Route("/batches", batches),
    Route("/live", queue_stream),
    Route("/live/batches/{batch}", batch_stream),
    Route("/livez", livez),
    Route("/readyz", readyz),
    Route("/assets/{name}", assets),
]
#: Where a token is asked for.
LOGIN: list[BaseRoute] = [Route("/login", login, methods=["GET", "POST"])]
