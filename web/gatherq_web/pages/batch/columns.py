"""All slots of a batch as data, for the drawings; and a batch as a file, to be kept."""

import asyncio
import gzip
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gatherq.inspection.report.batch_report import BatchReport
from gatherq.inspection.report.page import page_of
from gatherq.inspection.report.page_data import as_json, data_of, run_times
from gatherq.inspection.report.trace import trace_of
from gatherq_web.site import site_of

#: Most slots of a batch that is read at once: some 200 MB.
MOST: int = 250_000
#: Half the time of the usual level, and a tenth larger.
_LEVEL = 3


async def columns(request: Request) -> Response:
    """Answer with the columns of a batch: JSON, compressed where that is understood."""
    return await _answer(request, _columns, "application/json")


async def report(request: Request) -> Response:
    """Answer with the report of a batch, as a file."""
    return await _answer(request, page_of, "text/html", name="report.html")


async def trace(request: Request) -> Response:
    """Answer with the trace of a batch, as a file."""
    return await _answer(request, _trace, "application/json", name="trace.json")


async def _answer(
    request: Request, make: Callable[[BatchReport], str], kind: str, *, name: str = ""
) -> Response:
    inspector = site_of(request).inspector(request)
    batch = await inspector.batch(request.path_params["batch"])
    if batch.size > MOST:
        many = f"{batch.size:,} slots are too many for a page, which reads up to {MOST:,} at once"
        raise HTTPException(413, f"{many}; gatherq report {batch.id}")
    found = await inspector.report(batch.id)
    packs = "gzip" in request.headers.get("accept-encoding", "")
    # Elsewhere, so that others are answered meanwhile: of 100,000 slots it takes a second.
    content = await asyncio.to_thread(_content, make, found, packs=packs)
    headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packs else {})
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{file_name(batch.id, name)}"'
    return Response(content, media_type=kind, headers=headers)


def file_name(batch: str, name: str) -> str:
    """Return the name of a file of a batch, whatever its id has in it."""
    plain = "".join(
        each if each.isascii() and (each.isalnum() or each in "-_.") else "_" for each in batch
    )
    return f"{plain[:100]}-{name}"


def _content(make: Callable[[BatchReport], str], found: BatchReport, *, packs: bool) -> bytes:
    text = make(found).encode()
    return gzip.compress(text, _LEVEL) if packs else text


def _columns(found: BatchReport) -> str:
    return as_json(data_of(found) | {"runTimes": run_times(found)})


def _trace(found: BatchReport) -> str:
    return "".join(trace_of(found))
