"""The supervisor of worker processes: restarts the dead, ends the stuck, passes signals on.

Neither redis-py nor pydantic nor arq is imported before the first process has been started. While
that one starts, what a recovery needs is imported in a thread.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic

from gatherq import python_command
from gatherq_worker import stop_words
from gatherq_worker.ipc.process_contract import ONE_STOP, Farewell, how_it_died

from .health_report import HealthReport
from .owner_link import OwnerLink
from .pool_health import PoolHealth
from .recovery_tasks import RecoveryTasks
from .starter import Starter
from .worker_process import SILENT, WorkerProcess

logger = logging.getLogger("gatherq.worker")

#: Seconds between two looks at the scoreboards.
_LOOK = 0.1
#: Seconds after which a process that ends is replaced at once, and not after a pause.
_HEALTHY = 5.0
#: Seconds after the grace: until worker processes are killed, and until recovery must be over.
_KILL, _END = 0.6, 0.85


class Supervisor:
    """Keeps `processes` worker processes running until it is told to stop.

    `start` makes a process; `arguments` are those of `gatherq` in it, where `start` is not given.
    `report` says why processes cannot work, where they do: once, however many they are. Times are
    in seconds. It stops when its `owner` is gone; if a process ends before all of them are ready,
    the owner is told why in place of `report`, and it stops. `health` hears of each look at them.
    """

    def __init__(
        self,
        arguments: list[str],
        processes: int,
        grace: float,
        start: Callable[[], Awaitable[WorkerProcess]] | None = None,
        look_interval: float = _LOOK,
        report: Callable[[str], None] = logger.error,
        owner: OwnerLink | None = None,
        health: HealthReport | None = None,
    ) -> None:
        self._command = _command(arguments, owner)
        self._owner, self._health = owner, health
        self._processes, self._grace = processes, grace
        self._children: set[WorkerProcess] = set()
        self._recovery = RecoveryTasks()
        self._report, self._reported = report, set[str]()
        #: Whether a process speaks for all of them; jobs of those that have ended, by their end.
        self._spoken_for = False
        self._succeeded = self._others = 0
        #: Whether the owner knows why nothing runs, so that a stop needs no words.
        self._said_all = False
        self._stopping, self._look_interval = asyncio.Event(), look_interval
        self._starter = Starter(start or self._start_process, self._stopping)
        #: `time.monotonic()` of the first signal, and by when all must be over.
        self._stopped_at = self._end = 0.0
        self._hurry = False
        # Each child has the reading end, and reads the end of the file when this process is gone.
        self._alive, self._mine = os.pipe()

    async def run(self) -> int:
        """Run until all workers have ended; return the exit code."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stop, signum)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup's choice
            loop.add_signal_handler(signal.SIGHUP, self._stop, signal.SIGTERM)
        if self._owner:
            self._owner.watch(partial(self._stop, signal.SIGTERM))
        watching = asyncio.create_task(self._watch())
        codes = await asyncio.gather(*(self._keep_running() for _ in range(self._processes)))
        watching.cancel()
        left = self._end - monotonic() if self._stopping.is_set() else self._grace
        await self._recovery.close(max(left, 0.0))
        if self._health:
            self._health.close()
        code = max(codes)
        if not code:
            self._say(stop_words.stopped(self._succeeded, self._others), "worker.stopped")
        return code

    async def _start_process(self) -> WorkerProcess:
        speaks, self._spoken_for = not self._spoken_for, True
        try:
            return await WorkerProcess.start(self._command, self._alive, speaks)
        except BaseException:
            self._spoken_for = self._spoken_for and not speaks
            raise

    def _stop(self, signum: int) -> None:
        now, words = monotonic(), ""
        running = sum(len(child.scoreboard.executions()) for child in self._children)
        if not self._stopping.is_set():
            words = stop_words.stopping(signum, self._grace, running)
            self._stopping.set()
            self._stopped_at = now
            self._end_in(self._grace)
        elif self._hurry:
            return
        elif now - self._stopped_at < ONE_STOP:
            if signum == signal.SIGINT:
                logger.info(stop_words.too_soon(signum))
            return
        else:
            words = stop_words.at_once(running)
            self._hurry = True
            self._end_in(0.0)
        for child in self._children:
            child.scoreboard.hurry = self._hurry
            child.signal(signum)
        self._say(words, "worker.stopping")  # last: the terminal may be gone, or take no more

    def _say(self, words: str, event: str) -> None:
        if not self._said_all:
            logger.info(words, extra={"event": event})

    def _end_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds + _KILL, self._kill)
        self._end = monotonic() + seconds + _END

    def _kill(self) -> None:
        for child in self._children:
            child.signal(signal.SIGKILL)

    async def _keep_running(self) -> int:
        """Keep one process running; return the exit code of one that nothing is to replace."""
        quick, ever_ready = 0, False
        while not self._stopping.is_set():
            child = await self._starter.start()
            if child is None:
                break
            self._children.add(child)
            self._recovery.prepare()
            code = await child.process.wait()
            self._children.discard(child)
            farewell, ready = child.scoreboard.farewell, child.scoreboard.ready
            ever_ready |= ready
            self._hear(child, code)
            self._take_over(child, code)
            if self._stopping.is_set():
                break
            if farewell is Farewell.FINAL or (farewell is Farewell.FAILED and not ever_ready):
                return code
            if farewell is Farewell.RECYCLE:
                continue
            quick = 0 if monotonic() - child.born > _HEALTHY else quick + 1
            await self._starter.pause(quick - 1)
        return 0

    def _hear(self, child: WorkerProcess, code: int) -> None:
        """Count the jobs of a process that has ended, and say why it could not work."""
        succeeded, others = child.scoreboard.counts
        self._succeeded, self._others = self._succeeded + succeeded, self._others + others
        if child.scoreboard.ready:
            self._reported.clear()
        elif child.speaks:
            self._spoken_for = False
        failure = child.failure
        if self._owner and not (self._owner.told or self._stopping.is_set()):
            self._owner.tell(failure or f"a worker did not start: {how_it_died(code)}")
            self._said_all = True
            self._stop(signal.SIGTERM)
        elif failure and failure not in self._reported and not self._stopping.is_set():
            self._reported.add(failure)
            self._report(failure)

    def _take_over(self, child: WorkerProcess, code: int) -> None:
        """See to the claims and resources of a process that has ended."""
        farewell = child.scoreboard.farewell
        failed = farewell is Farewell.FAILED and not child.failure
        if failed or farewell in (Farewell.NONE, Farewell.RECYCLE):
            self._recovery.recover(child, code, stopping=self._stopping.is_set())
            return
        child.close()
        if farewell is Farewell.STOPPED and not self._stopping.is_set():
            pid = child.process.pid
            logger.warning("worker process %d was told to stop, not by its supervisor", pid)

    async def _watch(self) -> None:
        """End processes whose interpreter a job holds past a deadline: no thread of theirs can."""
        last = monotonic()
        failure = ""
        while True:
            await asyncio.sleep(self._look_interval)
            now = monotonic()
            try:
                if (
                    now - last < 5 * self._look_interval
                ):  # else this process was suspended, and its workers too
                    await self._look(now)
            except Exception as error:
                if failure != (failure := repr(error)):
                    logger.exception("a look at the workers failed")
            last = monotonic()

    async def _look(self, now: float) -> None:
        ready = [child for child in self._children if child.scoreboard.ready]
        if self._owner and len(ready) == self._processes:
            self._owner.tell()
        for child in [child for child in self._children if child.stuck]:
            await self._end_stuck(child)
        for child in self._children:
            endpoint = child.endpoint
            silent = child.scoreboard.silent_for() > SILENT
            if not silent or endpoint is None or endpoint.url is None:
                continue
            if now - child.renewed_at > endpoint.lease / 5:
                child.renewed_at = now
                self._recovery.renew(child, endpoint)
        if self._health:  # last: it tells that looks come to their end
            stopping = self._stopping.is_set()
            self._health.tell(PoolHealth.seen(self._children, now, stopping=stopping))

    async def _end_stuck(self, child: WorkerProcess) -> None:
        if child not in self._children or not (why := child.stuck):
            return  # the process has ended meanwhile, or its interpreter is free again
        child.ended_for, child.ended_at = why, monotonic()
        job = child.scoreboard.running_job()
        what = f"job {job.job_id.decode('utf-8', 'replace')!r}" if job else "something"
        logger.error("%s holds the interpreter of process %d", what, child.process.pid)
        child.signal(signal.SIGABRT)  # faulthandler prints the stacks, and the process ends
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.process.wait(), 0.3)
        child.signal(signal.SIGKILL)


def _command(arguments: list[str], owner: OwnerLink | None) -> list[str]:
    """Return the command of a worker process; its modules are looked for where an owner says."""
    if owner is None:
        return python_command.command("gatherq_worker", *arguments)
    return python_command.command_with_path("gatherq_worker", *arguments, path=sys.path)
