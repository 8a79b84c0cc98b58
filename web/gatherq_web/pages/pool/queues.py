"""The queues of a server."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatherq_web.rendering.given import word_in
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of


async def queues(request: Request) -> Response:
    """Show the queues with workers, and the one that is looked at; with `all=yes` all others too.

    All of them are found by the names of all keys, which is no work for every two seconds.
    """
    everything = word_in(request, "all", ["yes"]) == "yes"
    inspector = site_of(request).inspector(request)
    found = await inspector.queues(scan=everything)
    lanes = next((each.lanes for each in found if each.name == inspector.queue), {})
    gates = await inspector.gates()
    live: dict[str, Any] = {} if everything else {"stream": links_of(request).to("live")}
    held: dict[str, Any] = {"lanes": lanes, "gates": gates}
    return await page(
        request, "pool/queues.html", queues=found, everything=everything, **held, **live
    )
