"""`gatherq map`: a job for each line of a file."""

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
  gatherq map fetch urls.txt --lines > out.jsonl     # each line is a text
  gatherq map move - --values < pairs.jsonl          # [1, 2] is move(1, 2)
  gatherq map fetch urls.txt --lines --resume auto -o out.jsonl    # again: goes on
"""


@click.command(epilog=_EXAMPLES)
@click.argument("job", shell_complete=suggestions.jobs)
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@click.option("--lines", is_flag=True, help="Each line is a text, not JSON.")
@click.option("--kwargs", is_flag=True, help="Each line is an object: keyword arguments.")
@click.option("--values", is_flag=True, help="Print values, null for what did not succeed.")
@click.option("--unordered", is_flag=True, help="Print each outcome as it comes.")
@click.option(
    "--window", type=click.IntRange(1), default=100, help="Most jobs that are under way [100]"
)
@click.option("--timeout", callback=read_duration, metavar="TIME", help="Limit of each job.")
@click.option("--max-at-once", type=int, metavar="N", help="Most jobs at work at a time.")
@click.option("--max-per-second", type=float, metavar="N", help="Most jobs that start in a second.")
@click.option("--priority", type=int, default=0, metavar="N", help="From -9 to 9, higher first.")
@click.option("--tolerate", metavar="N|N%", help="Stop once more than that have failed.")
@click.option("--resume", metavar="ID|auto", help="Keep what is done under ID, and go on there.")
@click.option("-o", "path", type=click.Path(dir_okay=False), help="With --resume: append to it.")
@click.option("--detach", is_flag=True, help="Print the ID, and leave the jobs to run.")
@on_server
@with_output
def map(
    job: str,
    file: str,
    lines: bool,
    kwargs: bool,
    values: bool,
    unordered: bool,
    window: int,
    timeout: float | None,
    max_at_once: int | None,
    max_per_second: float | None,
    priority: int,
    tolerate: str | None,
    resume: str | None,
    path: str | None,
    detach: bool,
    server: Server,
    output: "Output",
) -> None:
    """Run a job for each line of FILE or standard input; print an outcome a line, in order.

    A line is JSON: an array is the arguments, anything else is the one argument. Exit 1 if
    anything did not succeed. Ctrl-C cancels what is not finished; with --resume it goes on, and
    the same command comes back to it, as long as its batches are kept.
    """
    from gatherq_cli.common.running import run

    from .input_lines import Input
    from .map_options import MapOptions
    from .stopping import stop_as_interrupted
    from .warnings import warn

    given = Input(file, as_text=lines, as_keywords=kwargs)
    options = MapOptions.read(
        given, values=values, unordered=unordered, window=window, timeout=timeout,
        limits=limits_checked(max_at_once, max_per_second, priority),
        tolerate=tolerate, resume=resume, path=path, detach=detach,
    )  # fmt: skip
    warn()
    stop_as_interrupted()
    if options.resume:
        from .durable_map import run_durable_map

        run(run_durable_map(server, output, job, given, options), output)
    from .streaming_map import run_map

    run(run_map(server, job, given, options), output)
