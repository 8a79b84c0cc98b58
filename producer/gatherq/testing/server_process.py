"""A Redis server in a process of its own, which ends when its owner does, however that is.

A shell stands between the two. It starts the server, and waits for a line or for the end of its
standard input, which the owner alone can write to. Then it kills the server, and removes the
server's own folder. So the normal end and every other go the same way. An owner that died has
left the server a second, in which workers that end with it have nothing to complain of.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from gatherq.errors import GatherqError

from .data_folder import data_folder
from .forks import close_in_forks

#: $1: the signal that ends the server. $2: a folder to remove, or nothing. The rest: the server.
_KEEPER = " ; ".join(
    [
        "end=$1 folder=$2",
        "shift 2",
        '"$@" 2>&1 & exec >/dev/null 2>&1',
        "read -r _ || sleep 1",
        'kill -s "$end" $!',
        "wait $!",
        "code=$?",
        '[ -z "$folder" ] || rm -rf -- "$folder"',
        "exit $code",
    ]
)
#: Is told how a server ended that nobody here has ended: "signal 9", "exit code 1".
OnEnd = Callable[[str], None]
#: Seconds that a server may take to end; then it is killed.
_END = 10.0


class PortTaken(GatherqError):
    """Another program listens on the port."""

    @classmethod
    def of(cls, port: int | str) -> "PortTaken":
        """Say which, and what to do."""
        return cls(f"port {port} of 127.0.0.1 is in use; name another, or none")


@contextmanager
def server_process(
    program: str,
    options: dict[str, str],
    data: str | os.PathLike[str] | None,
    on_end: OnEnd | None,
    port: int,
) -> Iterator[None]:
    """Run a server on a port for the length of the block; raises GatherqError.

    It keeps its data in the folder `data`; without one it keeps nothing. Where it ends within the
    block, `on_end` is called, in a thread.
    """
    settings = {"port": str(port)}
    if data is None:
        folder = tempfile.mkdtemp(prefix="gatherq-")
        settings |= {"dir": folder, "appendonly": "no"} | options
        with _kept(program, settings, on_end, folder):
            yield
        return
    with data_folder(data) as (path, lock):
        settings |= {"dir": str(path), "appendonly": "yes"} | options
        with _kept(program, settings, on_end, None, lock):
            yield


@contextmanager
def _kept(
    program: str, settings: dict[str, str], on_end: OnEnd | None, folder: str | None, *fds: int
) -> Iterator[None]:
    """Run a server, and remove its folder at the end; one without a folder may save its data."""
    words = [word for key, value in settings.items() for word in (f"--{key}", value)]
    end = "TERM" if folder is None else "KILL"
    try:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "gatherq-server", end, folder or "", program, *words],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=fds,
            start_new_session=True,  # a terminal's Ctrl-C is for the owner
        )
    except BaseException:
        if folder:
            shutil.rmtree(folder)
        raise
    with keeper:
        try:
            close_in_forks(keeper.stdin)  # type: ignore[arg-type]  # bufsize=0: it is a FileIO
            _wait_until_ready(keeper, Path(program).name, settings["port"])
            with _watched(keeper, on_end):
                yield
        finally:
            _end(keeper)


def _wait_until_ready(keeper: "subprocess.Popen[bytes]", name: str, port: str) -> None:
    """Read the server's log until it is up."""
    assert keeper.stdout is not None
    log: deque[str] = deque(maxlen=5)
    for line in keeper.stdout:
        log.append(line.decode(errors="replace"))
        if "eady to accept connections" in log[-1]:
            return
    if any("Address already in use" in line for line in log):
        raise PortTaken.of(port)
    raise GatherqError(f"{name} does not start:\n{''.join(log)}")


@contextmanager
def _watched(keeper: "subprocess.Popen[bytes]", on_end: OnEnd | None) -> Iterator[None]:
    """Tell of the server's end within the block; what it logs goes nowhere."""
    assert keeper.stdout is not None
    if on_end is None:
        keeper.stdout.close()
        yield
        return
    leaving: list[bool] = []
    Thread(target=_watch, args=(keeper, on_end, leaving), daemon=True).start()
    try:
        yield
    finally:
        leaving.append(True)


def _watch(keeper: "subprocess.Popen[bytes]", on_end: OnEnd, leaving: list[bool]) -> None:
    """Read the log to its end, which is the server's: the keeper knows how it came."""
    assert keeper.stdout is not None
    with suppress(OSError, ValueError):  # closed: the block has been left
        while keeper.stdout.read(65_536):
            pass
    if leaving:
        return
    _end(keeper)
    code = keeper.returncode or 0
    on_end(f"signal {code - 128}" if code > 128 else f"exit code {code}")


def _end(keeper: "subprocess.Popen[bytes]") -> None:
    """Have the server ended, and wait for that."""
    assert keeper.stdin is not None
    with suppress(OSError, ValueError), keeper.stdin as owner:  # ValueError: it is closed
        owner.write(b"\n")  # a fork may hold the pipe open
    try:
        keeper.wait(_END)
    except subprocess.TimeoutExpired:
        os.killpg(keeper.pid, signal.SIGKILL)
