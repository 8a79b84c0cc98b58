"""Serves the exporter until it is told to end."""

import logging
import os
import socket
from collections.abc import Sequence

import click
import uvicorn

from gatherq.escape import escape
from gatherq.inspection.inspector import Inspector
from gatherq.settings import Settings

from .exporter_app import ExporterApp

logger: logging.Logger = logging.getLogger("gatherq.exporter")

#: Seconds for which an answer waits while Redis is away, and for which the end waits for an answer.
_PATIENCE, _GRACE = 1.0, 1
#: The loggers of which every line counts; of others, errors do.
_SPEAK = "gatherq.exporter", "gatherq.metrics"


async def serve(url: str | None, queues: Sequence[str], host: str, port: int) -> None:
    """Answer on that address until SIGTERM or Ctrl-C; raises InvalidSetting and ClickException."""
    queues = [Settings.read(queue=name).queue for name in queues or _queue_here()]
    inspector = Inspector(url, queue=queues[0] if queues else None, patience=_PATIENCE)
    config = uvicorn.Config(
        ExporterApp(inspector, queues).asgi(),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    with _listening(host, port) as listener:
        _log()
        told = ", ".join(map(escape, queues)) or "all queues"
        logger.info("%s tells of %s of %s", _address(listener), told, inspector.url)
        async with inspector:
            await uvicorn.Server(config).serve(sockets=[listener])


def _queue_here() -> list[str]:
    """Return the queue that the environment names, if it does."""
    names = {name.upper() for name in os.environ}
    return [Settings.read().queue] if "GATHERQ_QUEUE" in names else []


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why, _, _ = (error.strerror or str(error)).partition(" (while attempting")
        raise click.ClickException(
            f"cannot listen on {host}:{port}: {why}; name another address by --host and --port"
        ) from None


def _address(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"


def _log() -> None:
    logging.basicConfig(
        level=logging.ERROR, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in _SPEAK:
        logging.getLogger(name).setLevel(logging.INFO)
