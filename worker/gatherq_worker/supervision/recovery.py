"""What becomes of the jobs of a worker process that died: they start elsewhere at once."""

import logging
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from gatherq.contract.records import Times
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.values.codec import encode
from gatherq.store.jobs import JobStore, Record, Release
from gatherq.store.server.connection import disconnect
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.observer import tell
from gatherq_worker.ipc.execution_table import Execution

from .blame import Death, late, suspects

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("gatherq.worker")

#: Jobs given back by one call.
_RELEASED = 500


class Recoverer:
    """Speaks to Redis for the dead; one connection, made when it is needed."""

    def __init__(self, redis: "Redis", queue: str, lease: float) -> None:
        self._redis, self._queue, self._lease = redis, queue, lease

    async def keep(self, worker: str) -> None:
        """Renew the leases of a worker that lives and cannot speak."""
        store = JobStore(self._redis, worker, self._queue, self._lease)
        _, held = await store.held()
        if held:
            await store.renew(held)

    async def bury(self, death: Death) -> int:
        """Give back what the dead worker held; return how many jobs that were."""
        store = JobStore(self._redis, death.worker, self._queue, self._lease)
        now, claimed = await store.held()
        held = [Attempt.read(each) for each in claimed]
        overdue = late(death, held)
        if overdue:
            await store.finish_at_once(
                [_timed_out(*one, death, now, self._queue) for one in overdue]
            )
        over = {attempt.job_id for attempt, _ in overdue}
        guilty = suspects(death, held)
        releases = [
            Release(attempt, charge=True, entry=_entry(attempt, death, guilty, now))
            if attempt in guilty
            else Release(attempt)
            for attempt in held
            if attempt.job_id not in over
        ]
        for start in range(0, len(releases), _RELEASED):
            await store.release(releases[start : start + _RELEASED])
        await store.sign_off()
        return len(releases)

    async def close(self) -> None:
        """Close the connection."""
        await disconnect(self._redis)


def _entry(attempt: Attempt, death: Death, guilty: Sequence[Attempt], now: int) -> bytes:
    error = ErrorInfo(type="WorkerDied", message=death.how)
    entry = {
        "attempt": attempt.number,
        "worker": death.worker,
        "status": "died",
        "error": error,
        "ft": now,
    }
    if len(guilty) > 1:
        entry["beside"] = len(guilty) - 1
    if death.cause == "killed" and not death.mark:
        entry["killed"] = True  # from outside, while nobody's code was running: nobody did it
    return encode(entry)


def _timed_out(
    attempt: Attempt, execution: Execution, death: Death, now: int, queue: str
) -> Record[Attempt]:
    verdict = verdicts.timed_out(execution.which, execution.limit)
    started = now - round((monotonic() - execution.deadline + execution.limit) * 1000)
    times = Times(started, now)
    verdict, payload = verdicts.written(verdict, attempt, times, death.worker, queue)
    tell(attempt, verdict)
    return Record(attempt, verdict.status, payload, 3600.0)
