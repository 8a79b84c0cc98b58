"""A page that belongs to this program: `gatherq web`, on a port of this machine."""

import os
import socket
import sys
from contextlib import suppress

from gatherq.errors import GatherqError

from .owned_process import OwnedProcess
from .worker_owner import LISTENS

_HOST = "127.0.0.1"
#: Where people look for it.
USUAL_PORT = 8420


class WebPage(OwnedProcess):
    """The process of one `gatherq web`; its port is open from the beginning.

    Without `port` it is the usual one, or any that is free. Raises GatherqError for one in use.
    """

    name: str = "the page"

    def __init__(self, redis_url: str, queue: str | None, port: int | None = None) -> None:
        with _listener(port) as listener:
            self.url: str = f"http://{_HOST}:{listener.getsockname()[1]}/"
            variables = {**os.environ, LISTENS: str(listener.fileno())}
            variables["GATHERQ_REDIS_URL"] = redis_url
            options = [] if queue is None else ["--queue", queue]
            path = [entry for entry in sys.path if isinstance(entry, str)]
            super().__init__(["web", *options], variables, path, [listener])


def _listener(port: int | None) -> socket.socket:
    if port is None:
        with suppress(OSError):
            return socket.create_server((_HOST, USUAL_PORT))
    try:
        return socket.create_server((_HOST, port or 0))
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0].lower()
        raise GatherqError(f"the page cannot have port {port} of {_HOST}: {why}") from None
