"""`gatherq errors`: what did not succeed, by error group."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Server, on_server, with_output
from gatherq_cli.common.selection import with_selection

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@with_selection
@on_server
@with_output
def errors(target: str, filters: tuple[str, ...], server: Server, output: "Output") -> None:
    """Group what did not succeed: messages that differ in numbers, ids and quoted texts are one.

    The group is a filter of other commands: gatherq outcomes BATCH error:3fa9c1d2
    """
    from gatherq_cli.common.running import run

    from .batches.error_table import list_errors

    run(list_errors(server, output, target, filters), output)
