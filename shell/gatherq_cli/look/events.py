"""`gatherq events`: who did what on a queue."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Server, on_server, read_duration, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@click.argument("filters", nargs=-1, metavar="[FILTER]...")
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until Ctrl-C.")
@click.option(
    "--since", callback=read_duration, default="1h", metavar="TIME", help="How far back [1h]"
)
@on_server
@with_output
def events(
    filters: tuple[str, ...], follow: bool, since: float, server: Server, output: "Output"
) -> None:
    """Show who did what, and which workers came and went, the newest last.

    Filters: event:worker_*, batch:nightly*, worker:web-3*, by:anna*; a leading - negates.
    """
    from gatherq_cli.common.running import run

    from .queues.event_lines import show_events

    if follow and output.kind == "json":
        raise click.UsageError("events that are followed have no end: give --jsonl, not --json")
    run(show_events(server, output, filters, since, follow=follow), output)
