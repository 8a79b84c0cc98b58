"""`gatherq redrive`: run again what did not succeed."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Consent, Server, on_server, that_acts, with_output
from gatherq_cli.common.selection import with_selection

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@with_selection
@on_server
@with_output
@that_acts
def redrive(
    target: str, filters: tuple[str, ...], server: Server, output: "Output", consent: Consent
) -> None:
    """Run again, in place, what has ended without success; with filters what matches of it.

    Filters: error:3fa9c1d2 status:failed,timed_out job:fetch took:>2s args.0:17; - negates.
    """
    from gatherq.inspection.choosing.choice import REDRIVE

    from .action import act

    act(REDRIVE, target, filters, server, output, consent)
