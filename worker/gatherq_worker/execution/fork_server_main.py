"""The fork server, seen from inside: one thread, which forks a process for each job.

python -m gatherq_worker.execution.fork_server_main SOCKET [FORMAT LEVEL]
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from gatherq.contract.values.codec import from_json
from gatherq_worker import logging_setup, standard_streams
from gatherq_worker.registry import Registry, load

from . import child, forks
from .fork_server import (
    DIED,
    EVENT,
    FAILED,
    FORK,
    FORKED,
    IMPORT,
    IMPORTED,
    PATH,
    REQUEST,
    STOPS,
    kill,
    kill_group,
)


class ForkServerProcess:
    """Serves one worker, over `control`."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._woken, self._wakeup = socket.socketpair()
        self._woken.setblocking(False)
        self._wakeup.setblocking(False)
        #: Job's number by the process that runs it.
        self._running: dict[int, int] = {}
        self._known: dict[str, Registry] = {}
        self._own_signals()

    def run(self) -> None:
        """Serve until the worker is gone; what it has forked ends with it."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        asked = True
        while asked:
            ready = {descriptor for descriptor, _ in poll.poll()}
            self._reap()
            if self._control.fileno() in ready:
                asked = self._serve()

    def end(self) -> None:
        """End everything."""
        for pid in self._running:
            kill(pid)

    def _own_signals(self) -> None:
        """Hear of children, and of nothing else; again after an import, which may change it."""
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        for signum in (signal.SIGCHLD, *STOPS):
            signal.signal(signum, _pass)  # not SIG_IGN, which programs that jobs start would keep
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                number = self._running.pop(pid, None)
                if number is not None:
                    kill_group(pid)
                    self._say(DIED, number, os.waitstatus_to_exitcode(status))

    def _serve(self) -> bool:
        """Do one thing that the worker asks for; False when it is gone."""
        head, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, 1)
        if len(head) < REQUEST.size:
            return False
        what, number, size = REQUEST.unpack(head)
        text = self._read(size)
        if what == FORK and descriptors:
            self._fork(number, _blocking(descriptors[0]))
        elif what == PATH:
            sys.path[:] = from_json(text)
        elif what == IMPORT:
            self._import(text.decode())
            self._say(IMPORTED, number, 0)
        return True

    def _fork(self, number: int, connection: socket.socket) -> None:
        with connection:
            try:
                pid = os.fork()
            except (OSError, MemoryError) as error:
                self._say(FAILED, number, getattr(error, "errno", None) or 0)
                return
            if pid == 0:
                self._become(connection)
            self._running[pid] = number
            self._say(FORKED, number, pid)

    def _become(self, connection: socket.socket) -> NoReturn:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for own in (self._control, self._woken, self._wakeup):
            own.close()
        child.run(connection, self._known)

    def _import(self, module: str) -> None:
        """Import for all jobs to come; what cannot be shared with forks ends this process."""
        before = forks.traces()
        with contextlib.suppress(BaseException):
            self._known[module] = Registry(load([module]))
        if not forks.can_be_shared(before):
            os._exit(1)  # the jobs that run go on
        self._own_signals()
        gc.collect()
        gc.freeze()  # so that a collection in a fork does not copy all of its memory

    def _say(self, what: bytes, number: int, value: int) -> None:
        self._control.sendall(EVENT.pack(what, number, value))

    def _read(self, size: int) -> bytes:
        text = b""
        while len(text) < size:
            more = self._control.recv(size - len(text))
            if not more:
                raise ConnectionError
            text += more
        return text


def _pass(signum: int, frame: object) -> None:
    """Do nothing, but wake."""


def _blocking(descriptor: int) -> socket.socket:
    """Open a socket that blocks, whatever default a module of the user's has set."""
    opened = socket.socket(fileno=descriptor)
    opened.setblocking(True)
    return opened


def main(descriptor: int, log: Sequence[str] = ()) -> None:
    """Serve the worker at the other end of a socket; log as it does."""
    standard_streams.write_at_once()
    logging_setup.log_as(log)
    server = ForkServerProcess(_blocking(descriptor))
    gc.collect()
    gc.freeze()
    with contextlib.suppress(ConnectionError):  # the worker has gone, in the middle of something
        server.run()
    server.end()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
