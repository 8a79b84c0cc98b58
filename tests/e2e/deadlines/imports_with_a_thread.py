"""A module whose import leaves a thread: forks would be without it."""

import os
import threading
import time

from gatherq import job

IMPORTED_IN = os.getpid()
threading.Thread(target=threading.Event().wait, daemon=True).start()


@job(isolation="process")
def imported_here() -> list[bool]:
    time.sleep(0.02)
    return [os.getpid() == IMPORTED_IN, os.getppid() == IMPORTED_IN]
