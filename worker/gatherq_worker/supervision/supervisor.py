"""Worker processes under one: starts again what dies, ends what hangs, forwards signals.

Nothing heavy is imported before the first worker runs, so that this process stays small.
"""

import asyncio
import contextlib
import logging
import os
import signal
from time import monotonic

from gatherq_worker.ipc import python_command
from gatherq_worker.ipc.process_contract import ONE_STOP, Farewell

from .recovery_tasks import RecoveryTasks
from .worker_process import SILENT, WorkerProcess

logger = logging.getLogger("gatherq.worker")

#: Seconds between two looks at the workers' pages.
_LOOK = 0.1
#: A process that lived longer is started again at once; others after a pause, up to the longest.
_HEALTHY, _LONGEST_PAUSE = 5.0, 10.0
#: Seconds after the grace in which a worker must have ended, and in which all must be over.
_ROOM, _LAST = 0.6, 0.85


class Supervisor:
    """Keeps `processes` workers running until it is told to stop."""

    def __init__(
        self,
        arguments: list[str],
        processes: int,
        grace: float,
    ) -> None:
        self._command = python_command.command("gatherq_worker", *arguments)
        self._processes, self._grace = processes, grace
        self._children: set[WorkerProcess] = set()
        self._burials = RecoveryTasks()
        self._stopping = asyncio.Event()
        #: When it was told to stop, and by when all must be over.
        self._told = self._end = 0.0
        self._hurry = False
        self._short_of = ""
        # Its other end is in every child: when this process is gone, they read the end of it.
        self._alive, self._mine = os.pipe()

    async def run(self) -> int:
        """Run until all workers have ended; return the exit code."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stop, signum)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup's choice
            loop.add_signal_handler(signal.SIGHUP, self._stop, signal.SIGTERM)
        watching = asyncio.create_task(self._watch())
        codes = await asyncio.gather(*(self._keep() for _ in range(self._processes)))
        watching.cancel()
        left = self._end - monotonic() if self._stopping.is_set() else self._grace
        await self._burials.close(max(left, 0.0))
        return max(codes)

    def _stop(self, signum: int) -> None:
        now = monotonic()
        if not self._stopping.is_set():
            self._stopping.set()
            self._told = now
            self._end_in(self._grace)
        elif self._hurry or now - self._told < ONE_STOP:
            return
        else:
            self._hurry = True
            self._end_in(0.0)
        for child in self._children:
            child.page.hurry = self._hurry
            child.signal(signum)

    def _end_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds + _ROOM, self._kill)
        self._end = monotonic() + seconds + _LAST

    def _kill(self) -> None:
        for child in self._children:
            child.signal(signal.SIGKILL)

    async def _keep(self) -> int:
        """Keep one worker running; return the exit code of one that is to be the last."""
        quick, ever_ready = 0, False
        while not self._stopping.is_set():
            child = await self._start()
            if child is None:
                break
            code = await child.process.wait()
            self._children.discard(child)
            farewell, ready = child.page.farewell, child.page.ready
            ever_ready |= ready
            self._lay_out(child, code)
            if self._stopping.is_set():
                break
            if farewell is Farewell.FINAL or (farewell is Farewell.FAILED and not ever_ready):
                return code
            if farewell is Farewell.RECYCLE:
                continue
            quick = 0 if monotonic() - child.born > _HEALTHY else quick + 1
            await self._pause(quick - 1)
        return 0

    def _lay_out(self, child: WorkerProcess, code: int) -> None:
        """Care for what a process leaves behind."""
        farewell = child.page.farewell
        if farewell in (Farewell.NONE, Farewell.RECYCLE, Farewell.FAILED):
            self._burials.bury(child, code, stopping=self._stopping.is_set())
            return
        child.close()
        if farewell is Farewell.STOPPED and not self._stopping.is_set():
            pid = child.process.pid
            logger.warning("worker process %d was told to stop, not by its supervisor", pid)

    async def _pause(self, times: int) -> None:
        """Wait before a start that follows so many that came to nothing."""
        if times <= 0:
            return
        pause = min(0.05 * 2 ** min(times, 10), _LONGEST_PAUSE)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause)

    async def _start(self) -> WorkerProcess | None:
        """Start a process, as soon as the machine can; None if it is to stop meanwhile."""
        times = 0
        while not self._stopping.is_set():
            try:
                child = await WorkerProcess.start(self._command, self._alive)
            except Exception as error:  # a shortage of descriptors, memory, processes, or room
                times += 1
                self._tell(f"cannot start a worker process: {error!r}; trying on")
                await self._pause(times)
                continue
            self._tell("")
            self._children.add(child)
            if self._stopping.is_set():  # told so while it was being started
                child.signal(signal.SIGTERM)
            return child
        return None

    def _tell(self, trouble: str) -> None:
        """Log what keeps it from its work, once a change."""
        if trouble and trouble != self._short_of:
            logger.warning("%s", trouble)
        elif self._short_of and not trouble:
            logger.warning("worker processes can be started again")
        self._short_of = trouble

    async def _watch(self) -> None:
        """End workers whose interpreter is held past a deadline: no thread of theirs can."""
        last = monotonic()
        ready, said = False, ""
        while True:
            await asyncio.sleep(_LOOK)
            if not ready and any(child.page.ready for child in self._children):
                ready = True
                self._burials.prepare()
            now = monotonic()
            try:
                if now - last < 5 * _LOOK:  # else we were stopped too: they have had no chance yet
                    await self._look(now)
            except Exception as error:
                if said != (said := repr(error)):
                    logger.exception("a look at the workers failed")
            last = monotonic()

    async def _look(self, now: float) -> None:
        for child in [child for child in self._children if child.stuck]:
            await self._end_it(child)
        for child in self._children:
            endpoint = child.endpoint
            silent = child.page.silent_for() > SILENT
            if not silent or endpoint is None or endpoint.url is None:
                continue
            if now - child.kept > endpoint.lease / 5:
                child.kept = now
                self._burials.keep(child, endpoint)

    async def _end_it(self, child: WorkerProcess) -> None:
        if child not in self._children or not (why := child.stuck):
            return  # it has ended meanwhile, or is free
        child.ended_for, child.ended_at = why, monotonic()
        mark = child.page.mark()
        what = f"job {mark.job_id.decode('utf-8', 'replace')!r}" if mark else "something"
        logger.error("%s holds the interpreter of process %d", what, child.process.pid)
        child.signal(signal.SIGABRT)  # faulthandler prints the stacks, and the process ends
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.process.wait(), 0.3)
        child.signal(signal.SIGKILL)
