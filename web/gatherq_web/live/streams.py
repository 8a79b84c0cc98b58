"""The answers that are streams of server-sent events."""

from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response

from gatherq_web.site import site_of

from . import signals
from .signals import Signal

#: Seconds of silence after which a comment is sent, so that no proxy takes the stream for dead.
_PING = 15


async def queue_stream(request: Request) -> Response:
    """Tell when to look again at lists of a queue."""
    return _stream(signals.of_queue(site_of(request).inspector(request)))


async def batch_stream(request: Request) -> Response:
    """Tell when to look again at a batch."""
    inspector = site_of(request).inspector(request)
    return _stream(signals.of_batch(inspector, request.path_params["batch"]))


def _stream(found: AsyncIterator[Signal]) -> Response:
    return EventSourceResponse(_events(found), ping=_PING)


async def _events(found: AsyncIterator[Signal]) -> AsyncIterator[ServerSentEvent]:
    async for signal in found:
        yield ServerSentEvent(data=signal.said, event=signal.name)
