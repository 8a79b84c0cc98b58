"""`gatherq jobs`: which jobs workers know, and how they fare."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("name", required=False, default="", shell_complete=suggestions.jobs)
@on_server
@with_output
def jobs(name: str, server: Server, output: "Output") -> None:
    """List the jobs that live workers know, with counts and times; with a NAME, who serves it."""
    from gatherq_cli.common.running import run

    from .queues.job_table import list_jobs, show_job

    run(show_job(server, output, name) if name else list_jobs(server, output), output)
