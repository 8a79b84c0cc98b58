"""`gatherq trace`: a batch as a trace."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("batch", shell_complete=suggestions.batches)
@click.option(
    *("-o", "--out", "path"),
    default="trace.json",
    metavar="FILE",
    help="Where to; - for standard output [trace.json]",
)
@click.option("--redact", is_flag=True, help="Leave out arguments, values and texts of errors.")
@on_server
@with_output
def trace(batch: str, path: str, redact: bool, server: Server, output: "Output") -> None:
    """Write a batch as a trace, for ui.perfetto.dev and chrome://tracing.

    A worker is a process of it, and what it ran at a time are threads.
    """
    from gatherq_cli.common.running import run

    from .files import write_trace

    run(write_trace(server, output, batch, path, redact=redact), output)
