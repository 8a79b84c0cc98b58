"""`gatherq web`: the page of a pool."""

import click

from .extras import require

_EXAMPLES = """\b
Examples:
  gatherq web                                  # http://127.0.0.1:8420/, for this machine
  GATHERQ_WEB_TOKEN=... gatherq web --host 0.0.0.0    # for others, who are asked for the token
  gatherq web --root-path /ops/jobs --host-name ops.example.com    # behind a proxy
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--redis", "redis_url", metavar="URL", help="Server [GATHERQ_REDIS_URL, or localhost]"
)
@click.option("--queue", metavar="QUEUE", help="Queue shown first [GATHERQ_QUEUE, or arq:queue]")
@click.option("--host", default="127.0.0.1", metavar="HOST", help="Where it listens [127.0.0.1]")
@click.option(
    "--port",
    default=8420,
    type=click.IntRange(0, 65_535),
    help="Port; 0 for any that is free [8420]",
)
@click.option(
    "--root-path", default="", metavar="/PREFIX", help="Prefix at which a proxy shows it."
)
@click.option(
    "--token",
    envvar="GATHERQ_WEB_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="Let in who has it; a command line is read by everybody here (ps), the variable is not.",
)
@click.option(
    "--token-file",
    envvar="GATHERQ_WEB_TOKEN_FILE",
    show_envvar=True,
    type=click.Path(),
    metavar="FILE",
    help="The token is in this file: a secret of a container.",
)
@click.option("--insecure", is_flag=True, help="Let anybody in who reaches --host.")
@click.option("--read-only", is_flag=True, help="Let nobody change anything.")
@click.option(
    "--hide-values", is_flag=True, help="Show no arguments, values, errors and notes of jobs."
)
@click.option(
    "--host-name",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name by which it may be called, as well; as often as needed.",
)
@click.option(
    "--forwarded-allow-ips",
    default="127.0.0.1",
    metavar="ADDRESSES",
    help="Proxies whose X-Forwarded-Proto and -For are believed [127.0.0.1]",
)
@click.option("--access-log", is_flag=True, help="Log every request.")
def web(token: str | None, token_file: str | None, **options: object) -> None:
    """Show batches, slots, workers, jobs, queues and events as a page, and act on batches there.

    It keeps nothing: end it, start it, run two of it. It starts without Redis, and says so on the
    page while Redis is away. Without a token only this machine may reach it, and anybody here may
    act (--read-only: nobody). docs/howto/web.md has proxies and how to mount it in an application.
    """
    require("web", "gatherq web")
    from .web_page import PageOptions, run, token_of

    run(PageOptions(token=token_of(token, token_file), **options))  # type: ignore[arg-type]
