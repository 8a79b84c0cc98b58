"""`gatherq health`: a probe for containers, which costs less than 0.1 s of CPU."""

import sys

import click


@click.command()
@click.option("--redis", "url", help="Redis URL [default: GATHERQ_REDIS_URL or localhost]")
@click.option("--queue", help="Queue of the worker [default: GATHERQ_QUEUE or arq:queue]")
@click.option("--ready", is_flag=True, help="Exit 1 too while the server is away.")
def health(url: str | None, queue: str | None, ready: bool) -> None:
    """Exit 0 if a worker of this host gave a sign of life lately, else 1.

    A worker waits for a server that is away, with what it has finished: it is not to be ended for
    that, so the exit code is 0 then. Ask with --ready whether it can work.
    """
    from .health_probe import report

    code, lines = report(url, queue, ready=ready)
    for line in lines:
        click.echo(line, err=bool(code) or line.startswith("the server"))
    sys.exit(code)
