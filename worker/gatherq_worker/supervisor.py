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

from .page import Page, Place

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
        #: When its leases were renewed for it.
        self.kept = 0.0

    def signal(self, signum: int) -> None:
        """Send a signal, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signum)

    @property
    def stuck(self) -> bool:
        """Whether its code holds the interpreter, past its time or past the lease."""
        silent, mark, place = self.page.silent_for(), self.page.mark(), self.page.place
        if mark and mark.overdue:
            self.overdue = monotonic() > mark.overdue + _LOOK and silent > _SILENT
            return self.overdue
        return place is not None and silent > place.lease + 1


class Supervisor:
    """Keeps `processes` workers running until it is told to stop."""

    def __init__(
        self,
        arguments: list[str],
        processes: int,
        grace: float,
    ) -> None:
        self._command = [sys.executable, "-m", "gatherq_worker", *arguments]
        self._processes, self._grace = processes, grace
        self._children: set[Child] = set()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._undertakers: dict[Place, Undertaker] = {}
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
            await asyncio.wait(self._tasks, timeout=_ROOM)
        for undertaker in self._undertakers.values():
            await undertaker.close()
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
        ready = False
        while True:
            await asyncio.sleep(_LOOK)
            if not ready and any(child.page.ready for child in self._children):
                ready = True  # what the first burial needs takes a while to import
                self._spawn(self._prepare())
            now = monotonic()
            if now - last < 5 * _LOOK:  # else we were stopped too, and they have had no chance yet
                for child in [child for child in self._children if child.stuck]:
                    await self._end(child)
                for child in self._children:
                    place = child.page.place
                    silent = child.page.silent_for() > _SILENT
                    if place and place.url and silent and now - child.kept > place.lease / 5:
                        child.kept = now
                        self._spawn(self._renew(child, place))
            last = monotonic()

    async def _renew(self, child: Child, place: Place) -> None:
        """Keep the leases of a process that cannot, until it is freed or ended."""
        from .health import ERRORS

        with contextlib.suppress(*ERRORS):
            await self._undertaker(place).keep(child.worker)

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

        how, place = how_it_died(code), child.page.place
        shutdown = self._stopping.is_set() or code == RECYCLED
        death = Death(child.worker, how, child.page.mark(), child.overdue, shutdown)
        child.page.close()
        said = "it had no jobs yet"
        if place and place.url is None:
            said = "its jobs start elsewhere when their leases have run out"
        elif place:
            health = Health()
            while True:
                try:
                    released = await self._undertaker(place).bury(death)
                except ERRORS as error:
                    await health.bad("release the jobs of a dead worker", error)
                else:
                    said = f"{released} jobs released"
                    break
        if code != RECYCLED:
            logger.warning("worker process %d: %s; %s", child.process.pid, how, said)

    async def _prepare(self) -> None:
        await asyncio.to_thread(import_module, f"{__package__}.undertaker")

    def _undertaker(self, place: Place) -> "Undertaker":
        if place not in self._undertakers:
            from redis.asyncio import Redis

            from gatherq.connection import connection_pool

            from .undertaker import Undertaker

            assert place.url
            redis = Redis(connection_pool=connection_pool(place.url))
            self._undertakers[place] = Undertaker(redis, place.queue, place.lease)
        return self._undertakers[place]
