"""The fork server, as its worker sees it: a process that imports once, and forks for every job."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

from gatherq import python_command
from gatherq.contract.values.codec import encode
from gatherq_worker.job_telemetry.log_records import words_of_records

from .shortage import Shortage

#: A request of the worker: its kind, the job's number, and the size of a text that follows.
REQUEST = struct.Struct("<cII")
FORK, PATH, IMPORT = b"f", b"p", b"i"
#: An event of the server: its kind, the job's number; a process's id, exit code or error number.
EVENT = struct.Struct("<cIi")
FORKED, FAILED, DIED, IMPORTED = b"f", b"x", b"d", b"i"

#: Signals that the stop of a whole process tree sends: the worker decides what ends, and when.
STOPS = [signal.SIGTERM, signal.SIGINT]

#: Called with the exit code of a process; with None if its server has died and cannot tell.
Exited = Callable[[int | None], None]


class ForkServer:
    """One fork server. When it dies, its jobs go on, and another server forks those to come."""

    def __init__(self) -> None:
        self.alive = True
        #: Modules that the server has imported, and those that it is to import.
        self.imported: set[str] = set()
        self.importing: list[str] = []
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[asyncio.Future[int], Exited]] = {}
        self._exits: dict[int, Exited] = {}
        self._heard = bytearray()
        self._loop = asyncio.get_running_loop()
        self._control, theirs = socket.socketpair()
        theirs.setblocking(True)  # whatever default users set for their sockets
        try:
            with theirs:
                self._process = _start(theirs)
            self._control.setblocking(False)
            self._ask(PATH, 0, encode(sys.path))
        except BaseException:
            self._control.close()
            raise
        self._loop.add_reader(self._control, self._hear)

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    async def fork(self, connection: socket.socket, exited: Exited) -> int:
        """Fork a process that serves `connection`; return its id. Raises Shortage."""
        number = next(self._numbers)
        forked: asyncio.Future[int] = self._loop.create_future()
        self._waiting[number] = forked, exited
        try:
            self._ask(FORK, number, connection=connection)
            return await forked
        finally:
            self._waiting.pop(number, None)

    def load(self, module: str) -> None:
        """Have a module imported for the jobs to come."""
        if self.alive and module not in self.imported and module not in self.importing:
            self.importing.append(module)
            self._ask(IMPORT, 0, module.encode())

    def descriptors(self) -> Iterator[int]:
        """Name what forks of this worker must not keep open."""
        yield self._control.fileno()

    def kill(self) -> None:
        """End it; may be called from any thread."""
        self._process.kill()

    def stop(self) -> None:
        """End it and let go of what is kept for it."""
        self._die()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)

    def reaped(self) -> bool:
        """Tell whether its process has ended, and been waited for."""
        return self._process.poll() is not None

    def _ask(
        self, what: bytes, number: int, text: bytes = b"", connection: socket.socket | None = None
    ) -> None:
        message = REQUEST.pack(what, number, len(text)) + text
        descriptors = [connection.fileno()] if connection else []
        try:
            if socket.send_fds(self._control, [message], descriptors) < len(message):
                raise BlockingIOError
        except OSError as error:
            self._die()
            raise Shortage(f"the fork server does not listen: {error}") from None

    def _hear(self) -> None:
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._heard.extend(data)
        whole = len(self._heard) // EVENT.size * EVENT.size
        for what, number, value in EVENT.iter_unpack(bytes(self._heard[:whole])):
            self._heed(what, number, value)
        del self._heard[:whole]
        if not data:
            self._die()

    def _heed(self, what: bytes, number: int, value: int) -> None:
        if what == IMPORTED:
            self.imported.add(self.importing.pop(0))
        elif what == DIED and number in self._exits:
            self._exits.pop(number)(value)
        elif number not in self._waiting:
            return  # nobody waits for it any longer: its connection is closed, so it ends
        elif what == FORKED:
            forked, self._exits[number] = self._waiting.pop(number)
            if not forked.done():
                forked.set_result(value)
        elif what == FAILED:
            forked, _ = self._waiting.pop(number)
            if not forked.done():
                forked.set_exception(Shortage(f"no process for a job: {os.strerror(value)}"))

    def _die(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._control)
        self._control.close()
        self._process.kill()
        for forked, _ in self._waiting.values():
            if not forked.done():
                forked.set_exception(Shortage("the fork server died"))
        for exited in self._exits.values():
            exited(None)
        self._exits.clear()


def _start(connection: socket.socket) -> "subprocess.Popen[bytes]":
    held = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        return subprocess.Popen(
            python_command.command(
                f"{__package__}.fork_server_main",
                *(str(connection.fileno()), *words_of_records()),
            ),
            pass_fds=(connection.fileno(),),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def kill(pid: int) -> None:
    """Kill a process of a job with its children, whether or not it leads its group yet."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    kill_group(pid)


def kill_group(pid: int) -> None:
    """Kill what is left of a job when its own process has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
