"""A module whose import leaves a connection: forks would speak over it all at once."""

import os
import socket
import time

from gatherq import job

IMPORTED_IN = os.getpid()
connection, other = socket.socketpair()


@job(isolation="process")
def imported_here() -> list[bool]:
    time.sleep(0.02)
    return [os.getpid() == IMPORTED_IN, os.getppid() == IMPORTED_IN]
