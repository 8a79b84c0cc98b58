"""`gatherq queue`: what waits in a queue, what runs, and how fast it drains."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.option("--all", "everything", is_flag=True, help="All queues with workers or batches.")
@on_server
@with_output
def queue(everything: bool, server: Server, output: "Output") -> None:
    """Say what waits in the queue, what runs, and how fast it drains."""
    from gatherq_cli.common.running import run

    from .queues.queue_table import list_queues, show_queue

    run(list_queues(server, output) if everything else show_queue(server, output), output)
