"""What changes something, as the API does it. A batch is named by its whole id here."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException

from gatherq.client.batch import Batch
from gatherq.errors import BatchNotFound
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.choosing.choice import CANCEL, REDRIVE, Action, Choice, choose
from gatherq.inspection.json_records import Record
from gatherq_web.parameters_of_address import check_choice

from .errors import InvalidParameter
from .operation import Asked


async def cancel(asked: Asked) -> Record:
    """End what has not ended of the slots that are meant."""
    chosen = await _choice(asked, CANCEL)

    async def deed(batch: Batch[Any]) -> int:
        return await batch.cancel(*(chosen.slots or ()), by=asked.by)

    return await _done(asked, "cancel", chosen, deed)


async def redrive(asked: Asked) -> Record:
    """Run again what did not succeed of the slots that are meant."""
    chosen = await _choice(asked, REDRIVE)

    async def deed(batch: Batch[Any]) -> int:
        return await batch.redrive(chosen.slots, by=asked.by)

    return await _done(asked, "redrive", chosen, deed)


async def keep(asked: Asked) -> Record:
    """Let a batch stay for another time."""
    found, seconds = await _named(asked), asked["for"]
    if not seconds:
        raise InvalidParameter("for is missing: give how long the batch is to stay, for=7d")
    if not asked["dry_run"]:
        await _do(asked, found, lambda batch: batch.keep(seconds, by=asked.by))
    return _record(asked, "keep", found, found.size)


async def remove(asked: Asked) -> Record:
    """Remove a batch."""
    found = await _named(asked)
    if not asked["dry_run"]:
        await _do(asked, found, lambda batch: batch.delete(by=asked.by))
    return _record(asked, "remove", found, found.size)


async def _named(asked: Asked) -> BatchInfo:
    """Return the batch of that very id: an act is not for what the beginning of an id means."""
    given = asked["batch"]
    found = await asked.inspector.batch(given)
    if found.id != given:
        raise BatchNotFound(
            f"no batch {given} in Redis; {found.id} may be meant: write the whole id",
            batch_id=given,
        )
    if found.arq:
        raise HTTPException(404, f"{given} is a plain arq job; only arq can do that to it")
    return found


async def _choice(asked: Asked, action: Action) -> Choice:
    check_choice(asked.request, ("q", "slots"))
    found = await _named(asked)
    target = f"{found.id}:{asked['slots']}" if asked["slots"] else found.id
    return await choose(asked.inspector, target, asked["q"] or (), action)


async def _done(
    asked: Asked, action: str, chosen: Choice, deed: Callable[[Batch[Any]], Awaitable[int]]
) -> Record:
    count = chosen.count
    if count and not asked["dry_run"]:  # of no slots the client would take all
        count = await _do(asked, chosen.batch, deed)
    return {**_record(asked, action, chosen.batch, count), "statuses": dict(chosen.statuses)}


async def _do(asked: Asked, found: BatchInfo, deed: Callable[[Batch[Any]], Awaitable[Any]]) -> Any:
    async with asked.site.producer(found.queue) as producer:
        return await deed(await producer.batch(found.id))


def _record(asked: Asked, action: str, batch: BatchInfo, slots: int) -> Record:
    done = {"action": action, "batch": batch.id, "slots": slots, "statuses": {}}
    return {**done, "dry_run": asked["dry_run"]}
