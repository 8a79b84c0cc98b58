"""What happened on a queue, the newest first."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatherq.errors import InvalidSelector
from gatherq.inspection.filters import split_filters
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

#: Events on a page.
_SHOWN = 100
#: What people often look for, and the filter that finds it.
_USUAL = {
    "all": "",
    "batches": "event:submitted,ended,cancelled,redriven,kept,deleted",
    "workers": "event:worker_*",
    "trouble": "event:worker_died,worker_blocked,redis_away,quarantined",
}


async def events(request: Request) -> Response:
    """Show what the filters let through; with `before`, the id of an event, what came earlier."""
    inspector, links = site_of(request).inspector(request), links_of(request)
    asked, before = request.query_params.get("q", ""), request.query_params.get("before", "")
    values: dict[str, Any] = {"asked": asked, "before": before, "usual": _USUAL}
    try:
        found = await inspector.latest_events(
            *split_filters(asked), before=before, limit=_SHOWN + 1
        )
    except InvalidSelector as error:
        values |= {"events": [], "more": False, "wrong": str(error)}
        return await page(request, "pool/events.html", 400, **values)
    values |= {"events": found[:_SHOWN], "more": len(found) > _SHOWN, "wrong": ""}
    live: dict[str, Any] = {} if before else {"stream": links.to("live")}
    return await page(request, "pool/events.html", **values, **live)
