"""What `cancel` and `redrive` have in common: choose, ask, do, say."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn, TypeAlias

from gatherq.client.batch import Batch
from gatherq.inspection.choosing.choice import (
    CANCEL,
    REDRIVE,
    Action,
    Choice,
    choose,
    slots_in_words,
)
from gatherq_cli.common.confirmation import confirm
from gatherq_cli.common.options import Consent, Server
from gatherq_cli.common.running import answer, run
from gatherq_cli.output.output import Output

#: Does it to these slots, or to all with None; returns to how many.
Deed: TypeAlias = Callable[[Batch[Any], Sequence[int] | None, str], Awaitable[int]]


async def _cancel(batch: Batch[Any], slots: Sequence[int] | None, by: str) -> int:
    return await batch.cancel(*(slots or ()), by=by)


async def _redrive(batch: Batch[Any], slots: Sequence[int] | None, by: str) -> int:
    return await batch.redrive(slots, by=by)


_DEEDS: Mapping[str, Deed] = {CANCEL.verb: _cancel, REDRIVE.verb: _redrive}


def act(
    action: Action,
    target: str,
    filters: Sequence[str],
    server: Server,
    output: Output,
    consent: Consent,
) -> NoReturn:
    """Do it to the slots that are meant, after a question."""
    chosen = answer(_chosen(action, target, filters, server), output)
    if chosen.count and not consent.dry_run:
        confirm(f"{action.verb} {chosen}", consent, output)
    run(_perform(action, chosen, server, output, consent), output)


async def _chosen(action: Action, target: str, filters: Sequence[str], server: Server) -> Choice:
    async with server.inspector() as inspector:
        return await choose(inspector, target, filters, action)


async def _perform(
    action: Action, chosen: Choice, server: Server, output: Output, consent: Consent
) -> None:
    record = {"action": action.verb, **chosen.record(), "dry_run": consent.dry_run}
    if not chosen.count:
        output.prose(chosen.nothing(action))
    elif consent.dry_run:
        output.prose(f"would {action.verb} {chosen}; nothing was done")
    else:
        record["slots"] = await _done(action, chosen, server, consent)
        output.prose(
            f"{action.past} {slots_in_words(record['slots'])} of batch {chosen.batch.id}; "
            f"follow it: gatherq watch {chosen.batch.id}"
        )
    output.record(record)


async def _done(action: Action, chosen: Choice, server: Server, consent: Consent) -> int:
    async with of_batch(server, chosen.batch.queue).producer() as producer:
        batch = await producer.batch(chosen.batch.id)
        return await _DEEDS[action.verb](batch, chosen.slots, consent.by)


def of_batch(server: Server, queue: str) -> Server:
    """Return the server with the queue that a batch is in, which an id does not tell."""
    return replace(server, queue=queue or server.queue)
