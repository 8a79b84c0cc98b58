"""`gatherq dev MODULE...`: a server and workers in one terminal, for writing jobs."""

import os

import click
from click.core import ParameterSource

from .extras import require

_EXAMPLES = """\b
Examples:
  gatherq dev kitchen                   # a server, and a worker of kitchen.py
  gatherq dev kitchen --data .gatherq   # keeps queues and results over restarts
  gatherq dev kitchen --redis redis://localhost:6379   # workers only
"""


@click.command(epilog=_EXAMPLES)
@click.argument("modules", nargs=-1, metavar="MODULE...")
@click.option(
    "--redis",
    "redis_url",
    envvar="GATHERQ_REDIS_URL",
    show_envvar=True,
    help="Use this server, and start none.",
)
@click.option("--port", type=click.IntRange(1, 65_535), help="Port [default: 6379, or a free one]")
@click.option("--data", type=click.Path(), metavar="DIR", help="Keep the server's data there.")
@click.option("--queue", help="Queue to take jobs from [default: GATHERQ_QUEUE or arq:queue]")
@click.option("--processes", type=click.IntRange(1, 256), help="Worker processes [default: 1]")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    help="Jobs that one process runs at a time [default: 100]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Format of the workers' log [default: GATHERQ_LOG_FORMAT or text]",
)
@click.option("--web/--no-web", default=True, help="Show the pool as a page [--web]")
@click.option(
    "--web-port",
    type=click.IntRange(0, 65_535),
    help="Port of the page; 0 for any that is free [default: 8420, or a free one]",
)
def dev(
    modules: tuple[str, ...],
    redis_url: str | None,
    port: int | None,
    data: str | None,
    queue: str | None,
    processes: int | None,
    concurrency: int | None,
    web: bool,
    web_port: int | None,
    log_format: str | None,
) -> None:
    """Run a Redis server, and workers of MODULEs that start again when a Python file here changes.

    A page shows batches, slots, workers and queues: its address is printed.

    Every job is logged. Jobs that run when a file changes have 10 s to finish. A module that cannot
    be imported is told, and tried again after the next change. Ctrl-C ends it all; so does whatever
    else ends this command. For one machine: the server has no password, and listens on 127.0.0.1.
    """
    if os.name != "posix":
        raise click.ClickException(
            "gatherq dev needs a system with fork, as Linux, macOS or WSL; here, start a server, "
            "and a worker: gatherq worker MODULE --redis URL"
        )
    require("local", "gatherq dev")
    if log_format == "json":
        require("logs", "gatherq dev --log-format json")
    if not modules:
        advice = "gatherq dev kitchen is for kitchen.py in this folder"
        raise click.UsageError(f"name the module of your jobs: {advice}")
    if redis_url and (port or data):
        raise click.UsageError(
            "--port and --data are of a server that is started here; leave them out, or --redis "
            "(GATHERQ_REDIS_URL)"
        )
    if click.get_current_context().get_parameter_source("redis_url") is ParameterSource.ENVIRONMENT:
        redis_url = _with_password()
    if redis_url:
        _check(redis_url)
    from .dev_session import PageWanted, run

    known = {
        "--processes": processes,
        "--concurrency": concurrency,
        "--log-format": log_format,
    }
    options = [word for name, value in known.items() if value for word in (name, str(value))]
    run(modules, options, redis_url, queue, port, data, PageWanted(web, web_port))


def _check(url: str) -> None:
    """Refuse what is no URL of Redis: no change of a file mends that."""
    from gatherq.errors import RedisUnavailable
    from gatherq.store.server.pools import connection_pool

    try:
        connection_pool(url)
    except RedisUnavailable as error:
        raise click.ClickException(str(error)) from None


def _with_password() -> str:
    """Return the URL of the environment, with the password of its file."""
    from gatherq.errors import InvalidSetting
    from gatherq.settings import Settings

    try:
        return Settings.read().redis_url
    except InvalidSetting as error:
        raise click.ClickException(str(error)) from None
