"""Several worker processes under one: starts again what dies, forwards signals."""

import logging
import os
import signal
import subprocess
import sys
import time
from types import FrameType

logger = logging.getLogger("gatherq.worker")


def supervise(arguments: list[str], processes: int, grace: float) -> int:
    """Run `gatherq ARGUMENTS` in so many processes until told to stop; return the exit code."""
    stopping: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.append(signum)
        for child in children.values():
            child.send_signal(signum)

    def start() -> None:
        child = subprocess.Popen(
            [sys.executable, "-m", "gatherq_worker", *arguments], process_group=0
        )
        children[child.pid] = child

    children: dict[int, subprocess.Popen[bytes]] = {}
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, stop)
    for _ in range(processes):
        start()
    code = 0
    while children:
        born = time.monotonic()
        pid, status = os.wait()
        child = children.pop(pid, None)
        if child is None or stopping:
            continue
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode in (0, 1, 2):  # it ended by itself: burst, or a mistake it has named
            code = code or child.returncode
            continue
        logger.warning("worker process %d died (%d); starting another", pid, child.returncode)
        time.sleep(
            max(0.0, 0.2 - (time.monotonic() - born))
        )  # back-off of a process that keeps dying
        start()
    return code
