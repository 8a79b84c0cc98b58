"""Gives a batch another time to stay."""

from typing import NoReturn

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.durations import show_duration
from gatherq_cli.common.confirmation import confirm
from gatherq_cli.common.options import Consent, Server
from gatherq_cli.common.running import answer, run
from gatherq_cli.output.output import Output

from .action import of_batch


def keep_for(
    reference: str, seconds: float, server: Server, output: Output, consent: Consent
) -> NoReturn:
    """Let it stay for so long, after a question."""
    batch = answer(_found(server, reference), output)
    what = f"keep batch {batch.id} for {show_duration(seconds)} {_from_when(batch)}"
    if not consent.dry_run:
        confirm(what, consent, output)
    run(_perform(batch, seconds, what, server, output, consent), output)


async def _found(server: Server, reference: str) -> BatchInfo:
    async with server.inspector() as inspector:
        return await inspector.batch(reference)


async def _perform(
    batch: BatchInfo, seconds: float, what: str, server: Server, output: Output, consent: Consent
) -> None:
    if consent.dry_run:
        output.prose(f"would {what}; nothing was done")
    else:
        async with of_batch(server, batch.queue).producer() as producer:
            await (await producer.batch(batch.id)).keep(seconds, by=consent.by)
        output.prose(what.replace("keep", "kept", 1))
    record = {"action": "keep", "batch": batch.id, "slots": batch.size, "seconds": seconds}
    output.record({**record, "dry_run": consent.dry_run})


def _from_when(batch: BatchInfo) -> str:
    return "after its end" if batch.left else "from now on"
