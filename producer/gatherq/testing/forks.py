"""What tells another process that its owner is alive must not be held by forks of the owner."""

import os
import weakref
from io import FileIO
from socket import socket


def close_in_forks(held: FileIO | socket) -> None:
    """Close it in each fork of this process, unless it is closed by then.

    `multiprocessing` forks too; its processes may outlive the one that started them.
    """
    known = weakref.ref(held)

    def close() -> None:
        here = known()
        if here is not None:
            here.close()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=close)
