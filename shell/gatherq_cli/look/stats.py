"""`gatherq stats`: how many jobs ended, and how long they took, minute by minute."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, read_duration, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("job", required=False, default="", shell_complete=suggestions.jobs)
@click.option(
    "--since", callback=read_duration, default="1h", metavar="TIME", help="How far back [1h]"
)
@on_server
@with_output
def stats(job: str, since: float, server: Server, output: "Output") -> None:
    """Show how many jobs ended and how long they took, minute by minute, all or those named JOB.

    By the hour where it is about more than two hours. Workers write every ten seconds.
    """
    from gatherq_cli.common.running import run

    from .queues.statistics_table import show_statistics

    run(show_statistics(server, output, job, since), output)
