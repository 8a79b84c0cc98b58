"""`gatherq exporter`: the metrics of a pool, for Prometheus."""

import click

from .extras import require

_EXAMPLES = """\b
Examples:
  gatherq exporter                          # all queues of the server
  gatherq exporter --host 0.0.0.0           # in a container, or for another machine
  gatherq exporter --queue mail --queue web
  curl -s localhost:9420/metrics
"""


@click.command(epilog=_EXAMPLES)
@click.option("--redis", "url", metavar="URL", help="Server [GATHERQ_REDIS_URL, or localhost]")
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="QUEUE",
    help="Tell of this queue; can be given several times [GATHERQ_QUEUE, or all queues]",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0: all."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=9420,
    show_default=True,
    help="Port to listen on; 0: a free one.",
)
def exporter(url: str | None, queues: tuple[str, ...], host: str, port: int) -> None:
    """Serve the metrics of a pool to Prometheus, at /metrics.

    One is enough for all workers of a server, wherever they run: it reads from Redis what they have
    counted. It needs no right to write. It starts without Redis, and says gatherq_redis_up 0 while
    Redis is away. /livez and /readyz are for probes. docs/telemetry.md lists the metrics.
    """
    require("metrics", "gatherq exporter")
    from gatherq_cli.common.running import run
    from gatherq_cli.output.output import Output

    from .exporter_server import serve

    run(serve(url, queues, host, port), Output())
