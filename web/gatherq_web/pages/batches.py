"""The list of batches."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatherq.errors import InvalidSelector
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.field_values import time_of
from gatherq.inspection.filters import split_filters
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.progress.listed_batch import ListedBatch
from gatherq_web.acts.said import said_of
from gatherq_web.rendering.given import number_in
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

#: Batches on a page; most that are passed over.
_SHOWN, _MOST = 50, 1_000_000


async def batches(request: Request) -> Response:
    """Show the newest batches that the filters let through; `skip` of them are on earlier pages."""
    inspector = site_of(request).inspector(request)
    asked = request.query_params.get("q", "")
    skip = number_in(request, "skip", most=_MOST)
    values: dict[str, Any] = {
        "asked": asked,
        "skip": skip,
        "shown": _SHOWN,
        "said": said_of(request),
    }
    try:
        found = await inspector.batches(*split_filters(asked), limit=skip + _SHOWN + 1)
    except InvalidSelector as error:
        values |= {"rows": [], "more": False, "wrong": str(error)}
        return await page(request, "batches.html", 400, **values)
    now = time_of(await inspector.now())
    values |= {
        "rows": await rows_of(inspector, found[skip : skip + _SHOWN], now),
        "more": len(found) > skip + _SHOWN,
        "wrong": "",
        "now": now,
        "stream": links_of(request).to("live"),
    }
    return await page(request, "batches.html", **values)


async def rows_of(inspector: Inspector, found: list[BatchInfo], now: datetime) -> list[ListedBatch]:
    """Return batches as rows of a list."""
    rates = await inspector.rates(found)
    return [ListedBatch(batch, rates.get(batch.id), now) for batch in found]
