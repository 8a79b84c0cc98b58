"""For probes: whether this process turns, and whether it can show anything."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gatherq.errors import RedisUnavailable
from gatherq_web.site import site_of


async def livez(request: Request) -> Response:
    """Say that this process answers, whether or not Redis does."""
    return PlainTextResponse("alive\n")


async def readyz(request: Request) -> Response:
    """Say whether Redis answers; a probe has no token, so it says no more than that."""
    try:
        await site_of(request).inspector().now()
    except RedisUnavailable:
        return PlainTextResponse("not ready: Redis does not answer\n", 503)
    return PlainTextResponse("ready\n")
