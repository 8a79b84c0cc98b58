"""What a supervisor does in Redis for processes that cannot: it keeps leases, and gives jobs back.

What speaks to Redis is imported when it is first needed, so that a supervisor stays small.
"""

import asyncio
import logging
from collections.abc import Coroutine
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from gatherq_worker.ipc.endpoint import Endpoint
from gatherq_worker.ipc.process_contract import Farewell

from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from .blame import Cause, Death
    from .recovery import Recoverer

logger = logging.getLogger("gatherq.worker")

#: Seconds between two tries to import.
_AGAIN = 1.0


class RecoveryTasks:
    """Beside the supervisor's own work, so that a slow server does not keep it from that."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._recoverers: dict[Endpoint, Recoverer] = {}

    def prepare(self) -> None:
        """Import what the first burial needs: it takes a while."""
        self._spawn(self._import())

    def keep(self, child: WorkerProcess, endpoint: Endpoint) -> None:
        """Keep the leases of a process that cannot, until it is freed or ended."""
        self._spawn(self._keep(child, endpoint))

    def bury(self, child: WorkerProcess, code: int, *, stopping: bool) -> None:
        """Give back what a dead process held."""
        self._spawn(self._bury(child, code, stopping=stopping))

    async def close(self, timeout: float) -> None:
        """Let what is under way end within `timeout` seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for recoverer in self._recoverers.values():
            await recoverer.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _import(self) -> None:
        """Try until it is done: there may be no descriptor or thread left for it just now."""
        while True:
            try:
                await asyncio.to_thread(import_module, f"{__package__}.recovery")
                return
            except Exception as error:
                logger.warning("cannot import what a burial needs: %r; trying on", error)
                await asyncio.sleep(_AGAIN)

    async def _keep(self, child: WorkerProcess, endpoint: Endpoint) -> None:
        try:
            await self._recoverer(endpoint).keep(child.worker)
        except Exception as error:
            logger.debug("the leases of %s are not renewed: %s", child.worker, error)

    async def _bury(self, child: WorkerProcess, code: int, *, stopping: bool) -> None:
        await self._import()
        from gatherq_worker.ipc.process_contract import how_it_died

        from .blame import Death

        how, endpoint, farewell = how_it_died(code), child.endpoint, child.page.farewell
        cause = _cause(child, code, stopping=stopping)
        at = child.ended_at or monotonic()
        death = Death(child.worker, how, cause, at, child.page.begun(), child.page.mark())
        child.close()
        said = "it had no jobs yet"
        if endpoint and endpoint.url is None:
            said = "its jobs start elsewhere when their leases have run out"
        elif endpoint:
            said = f"{await self._release(endpoint, death)} jobs released"
        if farewell is not Farewell.RECYCLE:
            logger.warning("worker process %d: %s; %s", child.process.pid, how, said)

    async def _release(self, endpoint: Endpoint, death: "Death") -> int:
        """Try until it is done, whatever the server says."""
        from gatherq.store.server.outages import OutageLog

        health = OutageLog()
        while True:
            try:
                return await self._recoverer(endpoint).bury(death)
            except Exception as error:
                await health.bad("release the jobs of a dead worker", error)

    def _recoverer(self, endpoint: Endpoint) -> "Recoverer":
        if endpoint not in self._recoverers:
            from gatherq.store.server.connection import connect

            from .recovery import Recoverer

            assert endpoint.url
            self._recoverers[endpoint] = Recoverer(
                connect(endpoint.url), endpoint.queue, endpoint.lease
            )
        return self._recoverers[endpoint]


def _cause(child: WorkerProcess, code: int, *, stopping: bool) -> "Cause":
    if child.ended_for == "late":
        return "late"
    if stopping or child.page.farewell in (Farewell.RECYCLE, Farewell.STOPPED):
        return "stopped"
    return child.ended_for or ("killed" if code == -9 else "died")
