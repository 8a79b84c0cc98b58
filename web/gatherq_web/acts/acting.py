"""What can be done to a batch: GET asks, with the number of what it is about, and POST does it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatherq.client.batch import Batch
from gatherq.errors import InvalidCall
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.choosing.choice import CANCEL, REDRIVE
from gatherq.inspection.durations import parse_duration
from gatherq_web.parameters_of_address import check_names, check_no_body
from gatherq_web.rendering.links import links_of
from gatherq_web.rendering.render import page
from gatherq_web.security.access import Access, Act
from gatherq_web.site import site_of

from .meaning import Meant, meant_of, named

#: Durations that are offered, and the one that is chosen.
_OFFERED, _USUAL = ("1h", "12h", "1d", "7d", "30d"), "7d"
#: What the address of an act may say.
_NAMES = frozenset({"q", "slots", "error", "queue"})
#: Does it; returns to how many slots.
Deed: TypeAlias = Callable[[Batch[Any], str], Awaitable[int]]


async def cancel(request: Request) -> Response:
    """Cancel what has not ended of the slots that are meant."""
    access = _allowed(request, "cancel")
    meant = await meant_of(request, CANCEL)
    if request.method == "GET":
        return await _asked(request, "cancel", meant)

    async def deed(batch: Batch[Any], by: str) -> int:
        return await batch.cancel(*(meant.choice.slots or ()), by=by)

    return await _done(request, "cancelled", meant, deed, access)


async def redrive(request: Request) -> Response:
    """Run again what did not succeed of the slots that are meant."""
    access = _allowed(request, "redrive")
    meant = await meant_of(request, REDRIVE)
    if request.method == "GET":
        return await _asked(request, "redrive", meant)

    async def deed(batch: Batch[Any], by: str) -> int:
        return await batch.redrive(meant.choice.slots, meant.error or None, by=by)

    return await _done(request, "redriven", meant, deed, access)


async def keep(request: Request) -> Response:
    """Let a batch stay for another time."""
    access, batch = _allowed(request, "keep"), await named(request)
    if request.method == "GET":
        return await _keep_page(request, batch, _USUAL)
    form = await request.form(max_files=0, max_fields=1)
    given = str(form.get("for", "")).strip()
    try:
        seconds = parse_duration(given)
        await _do(request, batch, lambda found: found.keep(seconds, by=_by(access)))
    except (ValueError, InvalidCall) as error:
        return await _keep_page(request, batch, given, str(error))
    return _back(request, batch, did="kept")


async def remove(request: Request) -> Response:
    """Remove a batch with all that Redis has of it."""
    access = _allowed(request, "remove")
    await check_no_body(request)
    batch = await named(request)
    if request.method == "GET":
        return await page(request, "batch/remove.html", batch=batch)
    await _do(request, batch, lambda found: found.delete(by=_by(access)))
    links = links_of(request)
    return RedirectResponse(links.to("batches", did="removed", slots=batch.size), 303)


def _allowed(request: Request, act: Act) -> Access:
    access: Access = request.state.access
    if act not in access.acts:
        raise HTTPException(403, f"you may look at this batch, but not {act} it")
    check_names(request, _NAMES)
    return access


async def _asked(request: Request, verb: str, meant: Meant) -> Response:
    return await page(request, "batch/act.html", verb=verb, meant=meant, choice=meant.choice)


async def _done(request: Request, did: str, meant: Meant, deed: Deed, access: Access) -> Response:
    batch = meant.choice.batch
    if not meant.choice.count:  # of no slots the client would take all
        return _back(request, batch, did="nothing")
    count = await _do(request, batch, lambda found: deed(found, _by(access)))
    return _back(request, batch, did=did if count else "nothing", slots=count)


async def _do(
    request: Request, batch: BatchInfo, deed: Callable[[Batch[Any]], Awaitable[Any]]
) -> Any:
    async with site_of(request).producer(batch.queue) as producer:
        return await deed(await producer.batch(batch.id))


async def _keep_page(request: Request, batch: BatchInfo, given: str, wrong: str = "") -> Response:
    values = {"batch": batch, "given": given, "offered": _OFFERED, "wrong": wrong}
    return await page(request, "batch/keep.html", 400 if wrong else 200, **values)


def _back(request: Request, batch: BatchInfo, **said: object) -> Response:
    return RedirectResponse(links_of(request).to("batches", batch.id, **said), 303)


def _by(access: Access) -> str:
    return access.by or "web"
