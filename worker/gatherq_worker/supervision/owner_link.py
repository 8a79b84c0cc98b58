"""The supervisor's side of a program that owns its worker: it ends when that program does."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

from gatherq.local_pool.worker_owner import OWNER, report


class OwnerLink:
    """The socket to the owner. It is told once how the start went."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.set_inheritable(False)
        #: Whether the owner knows that the worker is ready, or cannot be.
        self.told = False

    @classmethod
    def inherited(cls) -> "OwnerLink | None":
        """Take what the environment names; worker processes do not inherit it in turn."""
        descriptor = os.environ.pop(OWNER, None)
        return None if descriptor is None else cls(socket.socket(fileno=int(descriptor)))

    def watch(self, stop: Callable[[], None]) -> None:
        """Call `stop` when the owner wants that, or is gone."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            loop.remove_reader(self._connection)
            stop()

        loop.add_reader(self._connection, heard)

    def tell(self, failure: str = "") -> None:
        """Say that the worker is ready, or why it cannot be; later calls do nothing."""
        if not self.told:
            self.told = True
            with contextlib.suppress(OSError):  # the owner is gone
                self._connection.sendall(report(failure))
