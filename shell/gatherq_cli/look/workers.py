"""`gatherq workers`: who is there, and what runs there."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("name", required=False, default="", shell_complete=suggestions.workers)
@on_server
@with_output
def workers(name: str, server: Server, output: "Output") -> None:
    """List the workers of a queue; with a NAME, or the beginning of one, what that worker runs."""
    from gatherq_cli.common.running import run

    from .queues.worker_table import list_workers, show_worker

    run(show_worker(server, output, name) if name else list_workers(server, output), output)
