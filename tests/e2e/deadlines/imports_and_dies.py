"""A module that ends the process of its job."""

import os
import sys

from gatherq import job

main = sys.modules["__main__"].__spec__
if main and main.name.endswith("fork_server_main"):
    os._exit(9)


@job(isolation="process")
def imported_here() -> int:
    return 1
