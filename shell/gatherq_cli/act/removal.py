"""Removes batches, all of them or, where one is not there, none."""

from collections.abc import Sequence
from typing import Any, NoReturn

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.choosing.choice import UNFINISHED, UNSUCCESSFUL, slots_in_words
from gatherq_cli.common.confirmation import confirm
from gatherq_cli.common.options import Consent, Server
from gatherq_cli.common.running import answer, run
from gatherq_cli.output.output import Output

from .action import of_batch

#: Most ids in a question.
_NAMED = 5


def remove(references: Sequence[str], server: Server, output: Output, consent: Consent) -> NoReturn:
    """Remove them, after a question that says how many of their jobs run."""
    batches = answer(_found(server, references), output)
    if not consent.dry_run:
        confirm(f"remove {_in_words(batches)}", consent, output)
    run(_perform(batches, server, output, consent), output)


async def _found(server: Server, references: Sequence[str]) -> list[BatchInfo]:
    async with server.inspector() as inspector:
        found = [await inspector.batch(each) for each in references]
    return [*{batch.id: batch for batch in found}.values()]


async def _perform(
    batches: Sequence[BatchInfo], server: Server, output: Output, consent: Consent
) -> None:
    if consent.dry_run:
        output.prose(f"would remove {_in_words(batches)}; nothing was done")
    else:
        for batch in batches:
            await _removed(batch, server, consent)
            output.prose(f"removed batch {batch.id} of {slots_in_words(batch.size)}")
    records = [_record(batch, consent) for batch in batches]
    for record in records if output.kind == "jsonl" else [records]:
        output.record(record)


async def _removed(batch: BatchInfo, server: Server, consent: Consent) -> None:
    async with of_batch(server, batch.queue).producer() as producer:
        await (await producer.batch(batch.id)).delete(by=consent.by)


def _record(batch: BatchInfo, consent: Consent) -> dict[str, Any]:
    statuses = {
        status: count
        for status in (*UNFINISHED, "succeeded", *UNSUCCESSFUL)
        if (count := getattr(batch, status, 0))
    }
    return {
        "action": "rm",
        "batch": batch.id,
        "slots": batch.size,
        "statuses": statuses,
        "dry_run": consent.dry_run,
    }


def _in_words(batches: Sequence[BatchInfo]) -> str:
    size = slots_in_words(sum(batch.size for batch in batches))
    more = f" and {len(batches) - _NAMED:,} more" if len(batches) > _NAMED else ""
    ids = ", ".join(batch.id for batch in batches[:_NAMED])
    which = f"batch {ids}" if len(batches) == 1 else f"{len(batches):,} batches ({ids}{more})"
    return f"{which} of {size}{_under_way(batches)}"


def _under_way(batches: Sequence[BatchInfo]) -> str:
    left, running = sum(each.left for each in batches), sum(each.running for each in batches)
    if not left:
        return ""
    return f", {left:,} NOT FINISHED: {running:,} run and will be cancelled"
