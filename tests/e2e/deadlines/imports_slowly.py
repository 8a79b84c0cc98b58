"""A module that takes long to import, each time: it leaves a thread."""

import sys
import threading
import time

from gatherq import job

main = sys.modules["__main__"].__spec__
if main and main.name.endswith("fork_server_main"):
    time.sleep(0.7)
    threading.Thread(target=threading.Event().wait, daemon=True).start()


@job(isolation="process")
def imported_here() -> int:
    return 1
