"""Batches as rows."""

from collections.abc import Sequence
from datetime import datetime

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.durations import show_duration
from gatherq.inspection.json_records import batch_record
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column


async def list_batches(
    server: Server, output: Output, filters: Sequence[str], limit: int | None
) -> None:
    """Print the batches of the queue."""
    async with server.inspector() as inspector:
        batches = await inspector.batches(*filters, limit=limit)
        now = datetime.fromtimestamp(await inspector.now() / 1000).astimezone()
        count = await output.rows(batches, columns(now), batch_record)
    if not count and output.terminal:
        output.line("no batches" + (" that match" if filters else f" on {inspector.queue}"))


def columns(now: datetime) -> list[Column]:
    """Return the columns of a list of batches, at the time `now`."""
    return [
        Column("BATCH", lambda batch: batch.id, flexible=True),
        Column("STATE", lambda batch: batch.state, style=lambda batch: style_of(batch.state)),
        Column("DONE", lambda batch: f"{batch.finished:,}/{batch.size:,}", right=True),
        Column("BAD", lambda batch: f"{batch.bad:,}", right=True, style=_bad),
        Column("AGE", lambda batch: _age(batch, now), right=True),
        Column("TOOK", _took, right=True, least_width=70),
        Column("JOBS", _jobs, flexible=True, least_width=80),
        Column("LABEL", lambda batch: batch.label, flexible=True, least_width=100),
    ]


def _bad(batch: BatchInfo) -> str:
    return style_of("failed") if batch.bad else ""


def _age(batch: BatchInfo, now: datetime) -> str:
    return show_duration((now - batch.created).total_seconds()) if batch.created else "-"


def _took(batch: BatchInfo) -> str:
    if batch.ended is None or batch.created is None:
        return "-"
    return show_duration((batch.ended - batch.created).total_seconds())


def _jobs(batch: BatchInfo) -> str:
    return ", ".join(f"{name or 'others'} {count:,}" for name, count in batch.names.items())
