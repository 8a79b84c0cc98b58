"""`gatherq ls`: the batches of a queue."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, read_duration, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument(
    "filters", nargs=-1, metavar="[FILTER]...", shell_complete=suggestions.batch_filters
)
@click.option("-n", "--limit", type=click.IntRange(1), default=20, help="Most batches [20]")
@click.option("--since", callback=read_duration, metavar="TIME", help="Of the last 1h, 1d, ...")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@on_server
@with_output
def ls(
    filters: tuple[str, ...],
    limit: int,
    since: float | None,
    everything: bool,
    server: Server,
    output: "Output",
) -> None:
    """List batches, the newest first: those of submit, and gathers of ten jobs or more.

    Filters: state:running, label:nightly*, kind:submit, size:>100, bad:>0; a leading - negates.
    """
    from gatherq_cli.common.running import run

    from .batch_table import list_batches

    most = None if everything else limit
    run(list_batches(server, output, filters, limit=most, since=since), output)
