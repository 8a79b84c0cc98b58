"""The list of batches."""

from starlette.requests import Request
from starlette.responses import Response

from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

#: Batches on a page.
_SHOWN = 50


async def batches(request: Request) -> Response:
    """Show the newest batches that the filters let through."""
    inspector = site_of(request).inspector(request)
    asked = request.query_params.get("q", "")
    found = await inspector.batches(*asked.split(), limit=_SHOWN)
    return await page(
        request, "batches.html", batches=found, asked=asked, stream=links_of(request).to("live")
    )
