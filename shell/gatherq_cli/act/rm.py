"""`gatherq rm`: remove batches from Redis."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import Consent, Server, on_server, that_acts, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument(
    "batches", nargs=-1, required=True, metavar="BATCH...", shell_complete=suggestions.batches
)
@on_server
@with_output
@that_acts
def rm(batches: tuple[str, ...], server: Server, output: "Output", consent: Consent) -> None:
    """Remove batches with all their jobs and outcomes; what runs of them is cancelled."""
    from .removal import remove

    remove(batches, server, output, consent)
