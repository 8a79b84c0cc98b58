"""`gatherq show`: a batch, or a slot, in full."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Server, on_server, with_output
from gatherq_cli.common.selection import with_selection

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@with_selection
@click.option("--timeline", is_flag=True, help="Draw how busy each worker was with the batch.")
@on_server
@with_output
def show(
    target: str, filters: tuple[str, ...], timeline: bool, server: Server, output: "Output"
) -> None:
    """Show a batch or a slot in full; several slots as `outcomes` does.

    BATCH is an id, the beginning of one, @ for the newest, or the id of a plain arq job.
    """
    from gatherq_cli.common.running import run

    from .batches.showing import show_target
    from .batches.timeline import print_timeline

    if timeline and filters:
        raise click.UsageError("--timeline is of a whole batch: leave the filters out")
    if timeline:
        run(print_timeline(server, output, target), output)
    run(show_target(server, output, target, filters), output)
