"""`gatherq doctor`: what is wrong with the server, the queue and its workers, and what to do."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.option("--scan", is_flag=True, help="Look at all keys, for those that never expire.")
@on_server
@with_output
def doctor(scan: bool, server: Server, output: "Output") -> None:
    """Say what is wrong with the server, the queue and its workers, and what to do.

    A line for each thing that was looked at. Exit code 1 if there is a problem.
    """
    from gatherq_cli.common.running import run

    from .findings import show_findings

    run(show_findings(server, output, scan=scan), output)
