"""`gatherq outcomes`: what became of the slots of a batch, in order."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Server, on_server, with_output
from gatherq_cli.common.selection import with_selection

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@with_selection
@click.option("--values", is_flag=True, help="Values alone, a line of JSON each; null for none.")
@on_server
@with_output
def outcomes(
    target: str, filters: tuple[str, ...], values: bool, server: Server, output: "Output"
) -> None:
    """Show the slots of a batch in order, each with its outcome so far.

    Filters: status:failed,timed_out job:fetch error:3fa9c1d2 took:>2s args.0:17; - negates.
    """
    from gatherq_cli.common.running import run

    from .slot_table import list_slots

    if values and output.kind == "json":
        raise click.UsageError("--values are lines: leave out --json")
    run(list_slots(server, output, target, filters, values=values), output)
