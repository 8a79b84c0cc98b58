"""Worker processes under one: starts again what dies, ends what hangs, forwards signals.

Nothing heavy is imported before the first worker runs, so that this process stays small.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Coroutine
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from .page import Page

if TYPE_CHECKING:
    from .undertaker import Undertaker

logger = logging.getLogger("gatherq.worker")

#: Where a worker process finds what its supervisor gave it.
VARIABLE = "GATHERQ_SUPERVISED"
#: Exit code of a process that wants to be started again, at once.
RECYCLED = 75
#: Seconds between two looks at the workers' pages, and of silence that means the GIL is held.
_LOOK, _SILENT = 0.1, 0.3
#: A process that lived longer is started again at once; others after a pause, up to the longest.
_HEALTHY, _LONGEST_PAUSE = 5.0, 10.0
#: Seconds after the grace in which a worker must have ended.
_ROOM = 3.0


class Child:
    """One worker process."""

    def __init__(self, process: asyncio.subprocess.Process, worker: str, page: Page) -> None:
        self.process, self.worker, self.page = process, worker, page
        self.born = monotonic()
        self.overdue = False

    def signal(self, signum: int) -> None:
        """Send a signal, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signum)

    def stuck(self, lease: float) -> bool:
        """Tell whether its code holds the interpreter, past its time or past the lease."""
        silent, mark = self.page.silent_for(), self.page.mark()
        if mark and mark.overdue:
            self.overdue = monotonic() > mark.overdue + _LOOK and silent > _SILENT
            return self.overdue
        return silent > lease + 1


class Supervisor:
    """Keeps `processes` workers running until it is told to stop."""

    def __init__(
        self,
        arguments: list[str],
        processes: int,
        url: str | None,
        queue: str | None,
        lease: float,
        grace: float,
    ) -> None:
        self._command = [sys.executable, "-m", "gatherq_worker", *arguments]
        self._processes, self._grace = processes, grace
        self._url, self._queue, self._lease = url, queue, lease
        self._children: set[Child] = set()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._undertaker: Undertaker | None = None
        # Its other end is in every child: when this process is gone, they read the end of it.
        self._alive, self._mine = os.pipe()

    async def run(self) -> int:
        """Run until all workers have ended; return the exit code."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stop, signum)
        watching = asyncio.create_task(self._watch())
        codes = await asyncio.gather(*(self._keep() for _ in range(self._processes)))
        watching.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._lease)
        if self._undertaker:
            await self._undertaker.close()
        return max(codes)

    def _stop(self, signum: int) -> None:
        for child in self._children:
            child.signal(signum)
        if not self._stopping.is_set():
            asyncio.get_running_loop().call_later(self._grace + _ROOM, self._kill)
        self._stopping.set()

    def _kill(self) -> None:
        for child in self._children:
            child.signal(signal.SIGKILL)

    async def _keep(self) -> int:
        """Keep one worker running; return the exit code of one that ended of its own accord."""
        quick, ever_ready = 0, False
        while not self._stopping.is_set():
            child = await self._start()
            code = await child.process.wait()
            self._children.discard(child)
            ended, ready = child.page.ended, child.page.ready
            ever_ready |= ready
            if not ended or code == RECYCLED:
                self._bury(child, code)
            else:
                child.page.close()
            if self._stopping.is_set():
                break
            if code == RECYCLED:
                continue
            if ended or not ever_ready:
                return code
            quick = 0 if monotonic() - child.born > _HEALTHY else quick + 1
            pause = min(0.05 * 2 ** (quick - 1), _LONGEST_PAUSE) if quick > 1 else 0.0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
        return 0

    async def _start(self) -> Child:
        page = Page()
        worker = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(3)}"
        given = json.dumps({"worker": worker, "page": page.fd, "alive": self._alive})
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env={**os.environ, VARIABLE: given},
            pass_fds=(page.fd, self._alive),
            process_group=0,
        )
        child = Child(process, worker, page)
        self._children.add(child)
        if self._stopping.is_set():  # told so while it was being started
            child.signal(signal.SIGTERM)
        return child

    async def _watch(self) -> None:
        """End workers whose interpreter is held past a deadline: no thread of theirs can."""
        last = monotonic()
        ready, kept = False, 0.0
        while True:
            await asyncio.sleep(_LOOK)
            if not ready and any(child.page.ready for child in self._children):
                ready = True  # what the first burial needs takes a while to import
                self._spawn(self._prepare())
            now = monotonic()
            if now - last < 5 * _LOOK:  # else we were stopped too, and they have had no chance yet
                for child in [child for child in self._children if child.stuck(self._lease)]:
                    await self._end(child)
                silent = [c for c in self._children if c.page.silent_for() > _SILENT]
                if silent and now - kept > self._lease / 5:
                    kept = now
                    self._spawn(self._renew([child.worker for child in silent]))
            last = monotonic()

    async def _renew(self, workers: list[str]) -> None:
        """Keep the leases of processes that cannot, until they are freed or ended."""
        from .health import ERRORS

        with contextlib.suppress(*ERRORS):
            for worker in workers:
                await (await self._parlour()).keep(worker)

    async def _end(self, child: Child) -> None:
        mark = child.page.mark()
        what = f"job {mark.job_id}" if mark else "something"
        logger.error("%s holds the interpreter of process %d", what, child.process.pid)
        child.signal(signal.SIGABRT)  # faulthandler prints the stacks, and the process ends
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.process.wait(), 0.3)
        child.signal(signal.SIGKILL)

    def _bury(self, child: Child, code: int) -> None:
        self._spawn(self._bury_soon(child, code))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bury_soon(self, child: Child, code: int) -> None:
        from .health import ERRORS, Health
        from .undertaker import Death, how_it_died

        how = how_it_died(code)
        shutdown = self._stopping.is_set() or code == RECYCLED
        death = Death(child.worker, how, child.page.mark(), child.overdue, shutdown)
        health = Health()
        while True:
            try:
                released = await (await self._parlour()).bury(death)
            except ERRORS as error:
                await health.bad("release the jobs of a dead worker", error)
            else:
                break
        if code != RECYCLED:
            pid = child.process.pid
            logger.warning("worker process %d: %s; %d jobs released", pid, how, released)
        child.page.close()

    async def _prepare(self) -> None:
        await asyncio.to_thread(import_module, f"{__package__}.undertaker")

    async def _parlour(self) -> "Undertaker":
        if self._undertaker is None:
            from redis.asyncio import Redis

            from gatherq.connection import connection_pool
            from gatherq.settings import Settings

            from .undertaker import Undertaker

            settings = Settings()
            redis = Redis(connection_pool=connection_pool(self._url or settings.redis_url))
            self._undertaker = Undertaker(redis, self._queue or settings.queue, self._lease)
        return self._undertaker
