"""`--health-port`: what an orchestrator and Prometheus ask, answered by a thread of the supervisor.

A thread, so that there is an answer while the supervisor's loop does not turn.
"""

import io
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

from . import health_metrics
from .pool_health import PoolHealth

logger = logging.getLogger("gatherq.worker")

#: Seconds in which a client must have asked, and may take to read the answer.
_PATIENCE = 5.0
#: Clients at a time; others are turned away.
_CLIENTS = 32
#: Most bytes of a request.
_LONGEST = 16_384
_TEXT = "text/plain; charset=utf-8"
_PATHS = "/livez, /readyz, /metrics"

#: Status, content type, and text.
_Answer = tuple[int, str, str]


class HealthServer(ThreadingHTTPServer):
    """Listens once it is made, until the process ends; raises OSError where it cannot."""

    daemon_threads = True
    request_queue_size = 2 * _CLIENTS

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._health = PoolHealth(monotonic())
        self._room = threading.BoundedSemaphore(_CLIENTS)
        super().__init__((host, port), _Handler)
        threading.Thread(target=self.serve_forever, name="gatherq-health", daemon=True).start()
        place = f"[{host}]" if ":" in host else host
        logger.info("health: http://%s:%d, %s", place, port, _PATHS)

    def tell(self, health: PoolHealth) -> None:
        """Have this answered from now on."""
        self._health = health

    def answer(self, path: str) -> _Answer:
        """Return what is said to who asks for a path."""
        health, now = self._health, monotonic()
        if path == "/livez":
            return _verdict("alive", health.dead(now), health)
        if path == "/readyz":
            return _verdict("ready", health.unready(now), health)
        if path == "/metrics":
            return 200, health_metrics.CONTENT_TYPE, health_metrics.text(health.processes)
        return 404, _TEXT, f"there is nothing here; there are {_PATHS}\n"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, if there is room for one."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write no traceback for a client that is gone."""
        logger.debug("a client of the health port was not answered", exc_info=True)


def _verdict(name: str, fault: str, health: PoolHealth) -> _Answer:
    """Say in a line whether it is so, and in one for each process how that is."""
    lines = [f"not {name}: {fault}" if fault else name, *map(str, health.processes)]
    return 503 if fault else 200, _TEXT, "".join(f"{line}\n" for line in lines)


class _Handler(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = _PATIENCE
    server_version, sys_version = "gatherq", ""

    def setup(self) -> None:
        """Read the request within the time that a client has for it."""
        super().setup()
        self.rfile = io.BufferedReader(io.BytesIO(_head(self.connection)))

    def do_GET(self) -> None:
        code, kind, text = self.server.answer(self.path.partition("?")[0])
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Log no line for each probe."""


def _head(connection: socket.socket) -> bytes:
    """Return the head of a request; raises TimeoutError for a client that is slow to send it."""
    head, end = b"", monotonic() + _PATIENCE
    while b"\r\n\r\n" not in head and b"\n\n" not in head and len(head) < _LONGEST:
        connection.settimeout(max(end - monotonic(), 0.001))
        if not (more := connection.recv(4096)):
            break
        head += more
    connection.settimeout(_PATIENCE)
    return head
