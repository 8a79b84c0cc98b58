"""Makes an endpoint of an operation: reads what is asked, and writes JSON, or lines of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gatherq.contract.values.sayable_json import json_of
from gatherq.inspection.json_records import Record

from .errors import Forbidden
from .operation import Asked, Operation, Page
from .parameters import read_all

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
#: How a request asks for lines, and the type of the answer.
_LINES = ("application/jsonl", "application/x-ndjson", "application/json-lines")
LINES: str = _LINES[0]


def endpoint_of(operation: Operation) -> Endpoint:
    """Return what answers a request for an operation."""

    async def endpoint(request: Request) -> Response:
        if operation.act and operation.act not in request.state.access.acts:
            raise Forbidden(operation.act)
        asked = Asked(request, await read_all(operation.parameters, request))
        lines = operation.listed and any(e in request.headers.get("accept", "") for e in _LINES)
        if lines and operation.lines:
            return await _streamed(operation.lines(asked))
        found = await operation.call(asked)
        if not isinstance(found, Page):
            return as_json(found)
        if lines:
            return Response(b"".join(map(_line, found.records)), media_type=LINES)
        more = {"next": found.next} if operation.goes_on else {}
        return as_json({operation.listed: [*found.records], **more})

    return endpoint


def as_json(record: Record, status: int = 200) -> Response:
    """Return an answer of JSON."""
    return Response(json_of(record), status, media_type="application/json")


async def _streamed(records: AsyncIterator[Record]) -> Response:
    """Return lines as they come; what is wrong before the first one is an answer of its own."""
    first = await anext(records, None)
    return StreamingResponse(_lines(first, records), media_type=LINES)


async def _lines(first: Record | None, records: AsyncIterator[Record]) -> AsyncIterator[bytes]:
    if first is None:
        return
    yield _line(first)
    async for record in records:
        yield _line(record)


def _line(record: Record) -> bytes:
    return json_of(record) + b"\n"
