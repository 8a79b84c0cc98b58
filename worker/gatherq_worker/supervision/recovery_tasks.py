"""Tasks of a supervisor that renew leases, or recover jobs, of processes that cannot do it.

The modules that speak to Redis are imported when they are first needed, so that the supervisor
stays small and starts fast.
"""

import asyncio
import logging
from collections.abc import Coroutine
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from gatherq_worker.ipc.endpoint import Endpoint
from gatherq_worker.ipc.process_contract import Farewell, how_it_died

from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from .blame import Cause, Death
    from .recovery import Recoverer

logger = logging.getLogger("gatherq.worker")

#: Seconds between two tries to import.
_PAUSE = 1.0


class RecoveryTasks:
    """Tasks beside the supervisor's own work, which a slow Redis server must not hold up."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._prepared = False
        self._recoverers: dict[Endpoint, Recoverer] = {}

    def prepare(self) -> None:
        """Import what the first recovery needs, in the first call: it takes a while."""
        if not self._prepared:
            self._prepared = True
            self._spawn(self._import())

    def renew(self, child: WorkerProcess, endpoint: Endpoint) -> None:
        """Renew the leases of a process whose interpreter is held."""
        self._spawn(self._renew(child, endpoint))

    def recover(self, child: WorkerProcess, code: int, *, stopping: bool) -> None:
        """Give back the jobs of a process that ended with this exit code."""
        self._spawn(self._recover(child, code, stopping=stopping))

    async def close(self, timeout: float) -> None:
        """Let what is under way end within `timeout` seconds, and close the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for recoverer in self._recoverers.values():
            await recoverer.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _import(self) -> None:
        """Import in a thread, again until it succeeds: descriptors or threads may be short."""
        while True:
            try:
                await asyncio.to_thread(import_module, f"{__package__}.recovery")
                return
            except Exception as error:
                logger.warning("cannot import what a recovery needs: %r; retrying", error)
                await asyncio.sleep(_PAUSE)

    async def _renew(self, child: WorkerProcess, endpoint: Endpoint) -> None:
        await self._import()
        job = child.scoreboard.running_job()
        blocked_by = job.job_id.decode("utf-8", "replace") if job else ""
        try:
            await self._recoverer(endpoint).renew_for(child.worker, blocked_by)
        except Exception as error:
            logger.debug("the leases of %s are not renewed: %s", child.worker, error)

    async def _recover(self, child: WorkerProcess, code: int, *, stopping: bool) -> None:
        await self._import()
        endpoint, farewell = child.endpoint, child.scoreboard.farewell
        death = _death(child, code, stopping=stopping)
        child.close()
        result = "it had no jobs yet"
        if endpoint and endpoint.url is None:
            result = "its jobs start elsewhere when their leases have run out"
        elif endpoint:
            result = f"{await self._release(endpoint, death)} jobs released"
        if farewell is not Farewell.RECYCLE and (endpoint or not stopping):
            logger.warning("worker process %d: %s; %s", child.process.pid, death.how, result)

    async def _release(self, endpoint: Endpoint, death: "Death") -> int:
        """Give the jobs back, again until the server takes it; return their number."""
        from gatherq.store.server.outages import OutageLog

        outages = OutageLog()
        while True:
            try:
                return await self._recoverer(endpoint).recover(death)
            except Exception as error:
                await outages.note_error("release the jobs of a dead worker", error)

    def _recoverer(self, endpoint: Endpoint) -> "Recoverer":
        if endpoint not in self._recoverers:
            from .recovery import Recoverer

            self._recoverers[endpoint] = Recoverer.of(endpoint)
        return self._recoverers[endpoint]


def _death(child: WorkerProcess, code: int, *, stopping: bool) -> "Death":
    from .blame import Death

    scoreboard = child.scoreboard
    ended = "by its supervisor: it gave no sign of life"
    return Death(
        child.worker,
        how_it_died(code, ended) if child.ended_for else how_it_died(code),
        _cause(child, code, stopping=stopping),
        child.ended_at or monotonic(),
        scoreboard.executions(),
        scoreboard.running_job(),
    )


def _cause(child: WorkerProcess, code: int, *, stopping: bool) -> "Cause":
    if child.ended_for == "late":
        return "late"
    if stopping or child.scoreboard.farewell in (Farewell.RECYCLE, Farewell.STOPPED):
        return "stopped"
    return child.ended_for or ("killed" if code == -9 else "died")
