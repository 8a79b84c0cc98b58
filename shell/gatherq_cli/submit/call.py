"""`gatherq call`: one job."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common import suggestions
from gatherq_cli.common.options import (
    Server,
    limits_checked,
    on_server,
    read_duration,
    with_output,
)

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output

_EXAMPLES = """\b
Examples:
  gatherq call chop carrot 0.3                # chop("carrot", 0.3): JSON where it is JSON
  gatherq call chop '"12"' -k seconds=0.3     # chop("12", seconds=0.3)
  gatherq call move -- -5 3                   # words after -- are no options
"""


@click.command(epilog=_EXAMPLES)
@click.argument("job", shell_complete=suggestions.jobs)
@click.argument("words", nargs=-1, metavar="[ARG]...")
@click.option("-k", "pairs", multiple=True, metavar="NAME=VALUE", help="A keyword argument.")
@click.option("--args", "args_json", metavar="JSON", help="All arguments, as an array.")
@click.option("--kwargs", "kwargs_json", metavar="JSON", help="Keyword arguments, as an object.")
@click.option("--timeout", callback=read_duration, metavar="TIME", help="Limit of its execution.")
@click.option("--priority", type=int, default=0, metavar="N", help="From -9 to 9, higher first.")
@click.option("--after", callback=read_duration, metavar="TIME", help="Start it then, from now.")
@click.option("--detach", is_flag=True, help="Print its id, and leave it to run.")
@on_server
@with_output
def call(
    job: str,
    words: tuple[str, ...],
    pairs: tuple[str, ...],
    args_json: str | None,
    kwargs_json: str | None,
    timeout: float | None,
    priority: int,
    after: float | None,
    detach: bool,
    server: Server,
    output: "Output",
) -> None:
    """Run one job by its name, and print its value as JSON; exit 1 unless it succeeds.

    Each ARG, and each VALUE, is JSON if it can be read as JSON, else a text. Ctrl-C cancels the
    job; a second one does not wait for it.
    """
    from gatherq_cli.common.running import run

    from .call_arguments import keywords, positional
    from .one_job import CallTerms, run_one
    from .stopping import stop_as_interrupted
    from .warnings import warn

    args, kwargs = positional(words, args_json), keywords(pairs, kwargs_json)
    limits_checked(None, None, priority)
    terms = CallTerms(timeout, priority, after)
    warn()
    stop_as_interrupted()
    run(run_one(server, output, job, args, kwargs, terms, detach=detach), output)
