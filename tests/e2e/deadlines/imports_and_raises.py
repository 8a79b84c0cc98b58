"""A module that cannot be imported where its jobs run."""

import os
import sys

from gatherq import job

main = sys.modules["__main__"].__spec__
if main and main.name.endswith("fork_server_main"):
    raise LookupError(f"not in {os.getpid()}")


@job(isolation="process")
def imported_here() -> int:
    return 1
