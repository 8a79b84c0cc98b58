"""`gatherq keep`: let a batch stay in Redis for another time."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import (
    Consent,
    Server,
    on_server,
    read_duration,
    that_acts,
    with_output,
)

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("batch", shell_complete=suggestions.batches)
@click.argument("seconds", metavar="TIME", callback=read_duration)
@on_server
@with_output
@that_acts
def keep(batch: str, seconds: float, server: Server, output: "Output", consent: Consent) -> None:
    """Let a batch stay for TIME (12h, 7d), from now or from its end: longer or shorter."""
    from .keeping import keep_for

    keep_for(batch, seconds, server, output, consent)
