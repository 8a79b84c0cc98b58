"""Events as lines, each as it comes."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import click

from gatherq.escape import escape
from gatherq.inspection.event_info import EventInfo
from gatherq.inspection.json_records import event_record
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.table import Column


async def show_events(
    server: Server, output: Output, filters: Sequence[str], since: float, *, follow: bool
) -> None:
    """Print events; while following, those to come: then an outage is waited for, however long."""
    async with server.inspector() as inspector:
        await inspector.now()  # one that is away at the beginning is not waited for
    if follow:
        server = replace(server, patience=_FOR_EVER)
        logging.getLogger("gatherq").addHandler(_OnStandardError(logging.WARNING))
    async with server.inspector() as inspector:
        found = inspector.events(*filters, since=since, follow=follow)
        if output.terminal and not output.is_json:
            async for event in found:
                output.line(f"{_when(event)}  {event.event:<16} {'  '.join(_said(event))}")
        else:
            await output.rows(found, _COLUMNS, event_record)


class _OnStandardError(logging.Handler):
    """Says that Redis is away, and since when."""

    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created)
        click.echo(f"{at:%H:%M:%S} waiting: {escape(record.getMessage())}", err=True)


def _when(event: EventInfo) -> str:
    return f"{event.time:%Y-%m-%d %H:%M:%S}" if event.time else "-"


def _said(event: EventInfo) -> Iterator[str]:
    if event.batch:
        yield event.batch
    if event.worker:
        yield event.worker
    if event.by:
        yield f"by {event.by}"
    if event.details:
        yield _details(event)


def _details(event: EventInfo) -> str:
    return " ".join(f"{name}={text}" for name, text in event.details.items())


#: Seconds: longer than anybody looks on.
_FOR_EVER = 1e9
#: The columns of events in a pipe.
_COLUMNS: list[Column] = [
    Column("TIME", lambda event: event.time.isoformat() if event.time else "-"),
    Column("EVENT", lambda event: event.event),
    Column("BATCH", lambda event: event.batch),
    Column("WORKER", lambda event: event.worker),
    Column("BY", lambda event: event.by),
    Column("DETAILS", _details),
]
