"""The answers that are streams of server-sent events."""

import asyncio
from collections.abc import AsyncIterator

from anyio import Event
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response

from gatherq.aio import cancel_and_wait, start_task
from gatherq_web.site import site_of

from . import signals
from .signals import Signal

#: Seconds of silence after which a comment is sent, so that no proxy takes the stream for dead.
_PING = 15
#: Seconds in which a stream may end by itself when the server is to end.
_GRACE = 1.0


async def queue_stream(request: Request) -> Response:
    """Tell when to look again at lists of a queue."""
    return _stream(signals.of_queue(site_of(request).inspector(request)))


async def batch_stream(request: Request) -> Response:
    """Tell when to look again at a batch."""
    inspector = site_of(request).inspector(request)
    return _stream(signals.of_batch(inspector, request.path_params["batch"]))


def _stream(found: AsyncIterator[Signal]) -> Response:
    end = Event()
    return EventSourceResponse(
        _events(found, end), ping=_PING, shutdown_event=end, shutdown_grace_period=_GRACE
    )


async def _events(found: AsyncIterator[Signal], end: Event) -> AsyncIterator[ServerSentEvent]:
    """Yield signals until the server is to end: a stream that is complete is no error there."""
    ending = start_task(end.wait())
    try:
        while (signal := await _next(found, ending)) is not None:
            yield ServerSentEvent(data=signal.said, event=signal.name)
    finally:
        ending.cancel()


async def _next(found: AsyncIterator[Signal], ending: "asyncio.Task[None]") -> Signal | None:
    """Return the next signal, None behind the last one or at the end."""
    coming = start_task(_first(found))
    try:
        await asyncio.wait([coming, ending], return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming.done() else None
    finally:
        await cancel_and_wait(coming)


async def _first(found: AsyncIterator[Signal]) -> Signal | None:
    return await anext(found, None)
