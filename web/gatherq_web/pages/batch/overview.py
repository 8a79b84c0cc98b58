"""A batch: how it stands, why it is not finished, what failed, and its drawings."""

from collections.abc import Sequence

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.explain.explanation import Explanation
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.progress.pace import remaining
from gatherq.inspection.report.drawings import asset
from gatherq.inspection.report.error_changes import ErrorChange
from gatherq_web.acts.said import said_of
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

from .columns import MOST
from .one_slot import slot_page

#: Running slots that are shown.
_LONGEST = 5
#: Slots of a batch whose errors are counted here, where its workers do not count them.
_COUNTED = 2_000


async def overview(request: Request) -> Response:
    """Show a batch, by its id, the beginning of it, or `@`; a plain arq job as its one slot."""
    inspector, links = site_of(request).inspector(request), links_of(request)
    asked = request.path_params["batch"]
    batch = await inspector.batch(asked)
    if batch.arq:
        return await slot_page(request, batch, 0)
    if batch.id != asked:
        return RedirectResponse(links.to("batches", batch.id), 303)
    rate = (await inspector.rates([batch])).get(batch.id)
    return await page(
        request,
        "batch/overview.html",
        batch=batch,
        rate=rate,
        remaining=remaining(batch.left, rate),
        changes=await _changes(inspector, batch),
        running=(await inspector.running(batch.id))[:_LONGEST],
        why=await _why(request, inspector, batch),
        drawn=batch.size <= MOST,
        most=MOST,
        drawings=Markup(asset("drawings.html")),  # of our own
        said=said_of(request),
        stream=links.to("live", "batches", batch.id),
    )


async def why(request: Request) -> Response:
    """Show why a batch, or one of its slots, is not finished."""
    inspector = site_of(request).inspector(request)
    target = request.path_params["batch"]
    return await page(request, "batch/why.html", target=target, why=await inspector.explain(target))


async def _why(request: Request, inspector: Inspector, batch: BatchInfo) -> Explanation | None:
    """Explain it, but not at every change of a page that is open: it asks by itself, less often."""
    if not batch.left or "hx-request" in request.headers:
        return None
    return await inspector.explain(batch.id)


async def _changes(inspector: Inspector, batch: BatchInfo) -> Sequence[ErrorChange]:
    changes = await inspector.error_changes(batch.id)
    if changes or batch.size > _COUNTED or not (batch.bad or batch.cancelled):
        return changes
    return [ErrorChange(group=group) for group in await inspector.error_groups(batch.id)]
