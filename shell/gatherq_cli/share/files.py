"""Writes what a batch becomes, and says what was written."""

import sys
import webbrowser
from collections.abc import Iterable
from pathlib import Path

import click

from gatherq.inspection.report.batch_report import BatchReport
from gatherq.inspection.report.page import page_of
from gatherq.inspection.report.trace import trace_of
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output

#: The name for standard output.
_STDOUT = "-"


async def write_page(
    server: Server, output: Output, batch: str, path: str, *, redact: bool, opens: bool
) -> None:
    """Write the page of a batch, and show it if that is wanted."""
    found = await _read(server, batch, redact=redact)
    _write([page_of(found)], path, found, output)
    if opens:
        _show(path)


async def write_trace(
    server: Server, output: Output, batch: str, path: str, *, redact: bool
) -> None:
    """Write the trace of a batch."""
    found = await _read(server, batch, redact=redact)
    _write(trace_of(found), path, found, output)


async def _read(server: Server, batch: str, *, redact: bool) -> BatchReport:
    async with server.inspector() as inspector:
        return await inspector.report(batch, redact=redact)


def _write(parts: Iterable[str], path: str, report: BatchReport, output: Output) -> None:
    if path == _STDOUT:
        for part in parts:
            sys.stdout.buffer.write(part.encode())
        return
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(parts)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None
    _say(path, report, output)


def _show(path: str) -> None:
    if not webbrowser.open(Path(path).absolute().as_uri()):
        raise click.ClickException(f"no browser is there to show {path}: open it elsewhere")


def _say(path: str, report: BatchReport, output: Output) -> None:
    size, batch = Path(path).stat().st_size, report.batch
    record = {"file": path, "bytes": size, "batch": batch.id, "slots": batch.size}
    output.record({**record, "left": batch.left})
    left = f", {batch.left:,} of them not finished" if batch.left else ""
    output.prose(f"wrote {path}: {batch.size:,} slots of {batch.id}{left}, {size / 1000:,.1f} kB")
