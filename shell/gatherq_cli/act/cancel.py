"""`gatherq cancel`: end what has not ended."""

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
def cancel(
    target: str, filters: tuple[str, ...], server: Server, output: "Output", consent: Consent
) -> None:
    """Cancel what has not ended: what is queued ends at once, what runs is asked to end.

    Filters: status:queued job:fetch worker:web-3* attempt:>1 args.0:17; a leading - negates.
    """
    from gatherq.inspection.choosing.choice import CANCEL

    from .action import act

    act(CANCEL, target, filters, server, output, consent)
