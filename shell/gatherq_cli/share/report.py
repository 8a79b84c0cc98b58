"""`gatherq report`: a batch as a page."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("batch", shell_complete=suggestions.batches)
@click.option(
    *("-o", "--out", "path"),
    default="report.html",
    metavar="FILE",
    help="Where to; - for standard output [report.html]",
)
@click.option("--redact", is_flag=True, help="Leave out arguments, values and texts of errors.")
@click.option("--open", "opens", is_flag=True, help="Show it in a browser.")
@on_server
@with_output
def report(
    batch: str, path: str, redact: bool, opens: bool, server: Server, output: "Output"
) -> None:
    """Write a batch as a page: one file of HTML that fetches nothing.

    It shows every slot, a timeline by worker, error groups and run times; of a batch that is not
    finished, all that there is by now.
    """
    from gatherq_cli.common.running import run

    from .files import write_page

    if opens and path == "-":
        raise click.UsageError("--open needs a file: name one with -o")
    run(write_page(server, output, batch, path, redact=redact, opens=opens), output)
