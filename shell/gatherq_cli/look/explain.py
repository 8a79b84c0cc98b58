"""`gatherq explain`: why a batch is not finished."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("target", metavar="BATCH[:SLOTS]", shell_complete=suggestions.batches)
@click.option("--strict", is_flag=True, help="Exit 1 where something cannot resolve by itself.")
@on_server
@with_output
def explain(target: str, strict: bool, server: Server, output: "Output") -> None:
    """Say why a batch, or some of its slots, is not finished, and what helps.

    A cross marks what cannot resolve by itself, an exclamation mark what holds it up.
    """
    from gatherq_cli.common.running import run

    from .explanation import explain_target

    run(explain_target(server, output, target, strict=strict), output)
