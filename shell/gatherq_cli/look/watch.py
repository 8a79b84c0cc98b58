"""`gatherq watch`: a batch, followed until it has ended."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, read_duration, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("batch", default="@", metavar="[BATCH]", shell_complete=suggestions.batches)
@click.option(
    "--timeout", callback=read_duration, metavar="TIME", help="Leave after 30s, 5m, ...: exit 5"
)
@on_server
@with_output
def watch(batch: str, timeout: float | None, server: Server, output: "Output") -> None:
    """Follow a batch, the newest one unless it is named, until it has ended.

    Exit code 0: all succeeded; 1: something did not; 3: it is gone; 5: --timeout. Ctrl-C leaves
    (130), and the batch goes on.
    """
    from gatherq_cli.common.running import run

    from .batches.watching import follow

    if output.kind == "json":
        raise click.UsageError("it prints a line for each change: give --jsonl")
    run(follow(server, output, batch, timeout), output)
