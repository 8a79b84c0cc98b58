"""What becomes of the jobs of a worker process that died: they start elsewhere at once.

The one whose code was running pays for it; if that cannot be told, all that ran are suspects.
"""

import logging
import signal
from dataclasses import dataclass
from time import monotonic

from redis.asyncio import Redis

from gatherq.codec import encode
from gatherq.remote import ErrorInfo
from gatherq.wire import Times

from . import decide
from .attempt import Attempt
from .page import Mark
from .store import Record, Release, Store

logger = logging.getLogger("gatherq.worker")


@dataclass(frozen=True, slots=True)
class Death:
    """A dead worker process: how it ended, and whose code it ran then."""

    worker: str
    how: str
    mark: Mark | None
    #: The supervisor ended it, because the marked job was overdue.
    overdue: bool = False
    #: The supervisor ended it at shutdown: nobody is to blame.
    shutdown: bool = False


class Undertaker:
    """Speaks to Redis for the dead; one connection, made when it is needed."""

    def __init__(self, redis: Redis, queue: str, lease: float) -> None:
        self._redis, self._queue, self._lease = redis, queue, lease

    async def keep(self, worker: str) -> None:
        """Renew the leases of a worker that lives and cannot speak."""
        store = Store(self._redis, worker, self._queue, self._lease)
        _, held = await store.held()
        if held:
            await store.renew(held)

    async def bury(self, death: Death) -> int:
        """Give back what the dead worker held; return how many jobs that were."""
        store = Store(self._redis, death.worker, self._queue, self._lease)
        now, held = await store.held()
        guilty = [a for a in held if death.mark and _is(a, death.mark)]
        if guilty and death.overdue and death.mark:
            record = _timed_out(guilty[0], death.mark, death.worker, now, self._queue)
            await store.finish_at_once([record])
            held.remove(guilty[0])
            guilty = []
        elif not death.shutdown:
            guilty = guilty or held
        innocent = [attempt for attempt in held if attempt not in guilty]
        releases = [Release(attempt) for attempt in innocent]
        for attempt in guilty:
            entry = _entry(attempt, death, len(guilty) - 1, now)
            releases.append(Release(attempt, charge=True, entry=entry))
        if releases:
            await store.release(releases)
        await store.sign_off()
        return len(releases)

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.connection_pool.disconnect()


def how_it_died(code: int) -> str:
    """Say what an exit code means."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ": out of memory, or by hand" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"


def _is(attempt: Attempt, mark: Mark) -> bool:
    return (attempt.job_id, attempt.number) == (mark.job_id, mark.attempt)


def _entry(attempt: Attempt, death: Death, beside: int, now: int) -> bytes:
    error = ErrorInfo(type="WorkerDied", message=death.how)
    entry = {
        "attempt": attempt.number,
        "worker": death.worker,
        "status": "died",
        "error": error,
        "ft": now,
    }
    return encode(entry | {"beside": beside} if beside else entry)


def _timed_out(attempt: Attempt, mark: Mark, worker: str, now: int, queue: str) -> Record:
    verdict = decide.timed_out(mark.which, mark.limit)
    started = now - round((monotonic() - mark.deadline + mark.limit) * 1000)
    verdict, payload = decide.written(verdict, attempt, Times(started, now), worker, queue)
    return Record(attempt, verdict.status, payload, 3600.0)
