"""The server: uvicorn, which ends at once and without a word when it is told to."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

#: Seconds in which answers that are under way may end.
_GRACE = 2
_LOGGER = "uvicorn.error"


class PageServer(uvicorn.Server):
    """Calls `on_start` when it listens; it ends on SIGINT, SIGTERM and `stop()`."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[["PageServer"], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    def stop(self) -> None:
        """End it, as a signal does."""
        logging.getLogger(_LOGGER).disabled = True  # that a stream is cut off is no error
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End it; at a second SIGINT without waiting for answers that are under way."""
        super().handle_exit(sig, frame)
        self.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._on_start(self)


def serve(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    *,
    on_start: Callable[[PageServer], None],
    access_log: bool = False,
    forwarded_allow_ips: str = "127.0.0.1",
) -> None:
    """Serve until told to stop; errors of the page and, if wanted, requests are logged to stderr.

    The proxies at `forwarded_allow_ips` are believed what they say of scheme and client.
    """
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=access_log,
        forwarded_allow_ips=forwarded_allow_ips,
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    # uvicorn sends itself what it was ended by again: for this process it is no failure.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: None)
    asyncio.run(PageServer(config, on_start).serve(sockets=[*sockets]))
