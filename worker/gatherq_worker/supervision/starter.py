"""Starts worker processes; where the machine cannot, tries again after pauses that grow."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable

from .worker_process import WorkerProcess

logger = logging.getLogger("gatherq.worker")

#: Seconds of the first pause between two starts, and of the longest.
_FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0


class Starter:
    """Starts worker processes until a supervisor is told to stop."""

    def __init__(
        self,
        start: Callable[[], Awaitable[WorkerProcess]],
        stopping: asyncio.Event,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._start_once, self._stopping = start, stopping
        self._longest_pause = longest_pause
        #: Why no process can be started, as the log has it; empty for nothing.
        self._shortage = ""

    async def start(self) -> WorkerProcess | None:
        """Start a process as soon as the machine can; None if told to stop meanwhile."""
        failures = 0
        while not self._stopping.is_set():
            try:
                child = await self._start_once()
            except Exception as error:  # a shortage of descriptors, memory, processes, or room
                failures += 1
                self._note(f"cannot start a worker process: {error!r}; trying on")
                await self.pause(failures)
                continue
            self._note("")
            if self._stopping.is_set():  # the signal came while the process was being started
                child.signal(signal.SIGTERM)
            return child
        return None

    async def pause(self, failures: int) -> None:
        """Wait before a start that follows so many failures, unless told to stop."""
        if failures <= 0:
            return
        pause = min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), self._longest_pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause)

    def _note(self, shortage: str) -> None:
        """Log each change of what keeps processes from being started."""
        if shortage and shortage != self._shortage:
            logger.warning("%s", shortage)
        elif self._shortage and not shortage:
            logger.warning("worker processes can be started again")
        self._shortage = shortage
