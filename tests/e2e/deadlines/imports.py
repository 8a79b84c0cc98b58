"""Jobs of a module that can be imported once for all."""

import os
import time

from gatherq import job

IMPORTED_IN = os.getpid()


@job(isolation="process")
def imported_here() -> list[bool]:
    """Tell whether this process imported the module, and whether its parent did."""
    time.sleep(0.02)
    return [os.getpid() == IMPORTED_IN, os.getppid() == IMPORTED_IN]
