"""Which slots the address of an act means: all, some by filters or numbers, or an error group."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.choosing.choice import Action, Choice, choose
from gatherq.inspection.filters import split_filters
from gatherq.inspection.inspector import Inspector
from gatherq_web.parameters_of_address import check_choice, check_no_body
from gatherq_web.site import site_of


@dataclass(frozen=True, slots=True)
class Meant:
    """What an act would be done to, as things are now."""

    choice: Choice
    action: Action
    #: What was asked: filters, numbers of slots, the signature of a whole error group.
    filters: str = ""
    slots: str = ""
    error: str = ""


async def meant_of(request: Request, action: Action) -> Meant:
    """Read what is meant; a body has no part in it.

    Raises InvalidSelector, BatchNotFound, and HTTPException.
    """
    check_choice(request, ("q", "slots", "error"))
    await check_no_body(request)
    inspector, asked = site_of(request).inspector(request), request.query_params
    batch = await named(request)
    filters, slots, error = asked.get("q", ""), asked.get("slots", ""), asked.get("error", "")
    if error and not filters and not slots:
        counted = await _counted(inspector, batch.id, error)
        if counted:
            return Meant(counted, action, error=error)
        filters = f"error:{error}"
    target = f"{batch.id}:{slots}" if slots else batch.id
    chosen = await choose(inspector, target, split_filters(filters), action)
    return Meant(chosen, action, filters=filters, slots=slots)


async def named(request: Request) -> BatchInfo:
    """Return the batch of that very id: no act is for what `@` or the beginning of one means."""
    given = request.path_params["batch"]
    found = await site_of(request).inspector(request).batch(given)
    if found.id != given:
        raise HTTPException(
            404, f"no batch {given} in Redis; {found.id} may be meant: write the whole id"
        )
    if found.arq:
        raise HTTPException(404, f"{given} is a plain arq job; only arq can do that to it")
    return found


async def _counted(inspector: Inspector, batch: str, error: str) -> Choice | None:
    """Return the slots of an error group as their number alone, where its workers count it."""
    for change in await inspector.error_changes(batch):
        group = change.group
        if group.signature == error and group.count:
            return Choice(await inspector.batch(batch), None, {group.status or "bad": group.count})
    return None
