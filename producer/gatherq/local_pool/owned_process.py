"""A process of ours that belongs to this program: it ends with it, however that ends."""

import asyncio
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from gatherq.aio import finish_first, start_task
from gatherq.errors import GatherqError
from gatherq.python_command import command_with_path
from gatherq.testing.forks import close_in_forks

from .worker_owner import OWNER, read_report


class OwnedProcess:
    """A command of `gatherq`. It hears of no Ctrl-C in this process's terminal.

    What it logs and prints goes where descriptors 1 and 2 of this process go. `sockets` are
    inherited.
    """

    #: What does not start, in an error.
    name: str = "the process"

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        path: list[str],
        sockets: Sequence[socket.socket] = (),
    ) -> None:
        self._link, theirs = socket.socketpair()
        close_in_forks(self._link)
        self._link.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                command_with_path("gatherq_worker", *words, path=path),
                env={**environment, OWNER: str(theirs.fileno())},
                pass_fds=(theirs.fileno(), *(each.fileno() for each in sockets)),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    async def ready(self) -> None:
        """Wait until it does its work; raises GatherqError, which says why it cannot."""
        line = b""
        while not line.endswith(b"\n"):
            more = await asyncio.get_running_loop().sock_recv(self._link, 65_536)
            if not more:
                raise GatherqError(f"{self.name} did not start; what was logged says why")
            line += more
        if failure := read_report(line):
            raise GatherqError(failure)

    async def ended(self) -> None:
        """Wait until it has ended."""
        if self._link.fileno() < 0:  # it has
            return
        with suppress(ConnectionError):
            while await asyncio.get_running_loop().sock_recv(self._link, 65_536):
                pass
        self._link.close()
        self._process.wait()  # only its end has closed the other end

    async def stop(self) -> None:
        """Have it stop, and wait for that.

        Cancelled, it goes on waiting before it raises; cancelled again it raises at once, and the
        process stops nevertheless.
        """
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
        await finish_first(start_task(self.ended()))


def environment_without(*names: str) -> dict[str, str]:
    """Return the variables of this process without some."""
    return {name: value for name, value in os.environ.items() if name not in names}
