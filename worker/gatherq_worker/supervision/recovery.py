"""Recovery of the jobs of a worker process that died: they start elsewhere at once."""

import logging
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.contract.records import Times
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.values.codec import encode
from gatherq.contract.worker_record import Beat, SignOff
from gatherq.escape import escape
from gatherq.store.jobs import JobStore, Record, Release
from gatherq.store.server.connection import connect, database_of, disconnect
from gatherq.store.server.replicas import waited_for
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.job_log import log_end
from gatherq_worker.engine.worker_record.news import News
from gatherq_worker.ipc.endpoint import Endpoint
from gatherq_worker.ipc.execution_table import Execution

from .blame import Death, from_outside, overdue, suspects

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("gatherq.worker")

#: Jobs that one call to Redis gives back.
_RELEASED = 500


class Recoverer:
    """Renews or releases the claims of worker processes of one queue that cannot do it."""

    def __init__(self, redis: "Redis", queue: str, lease: float, replicas: int = 0) -> None:
        self._redis, self._queue, self._lease = redis, queue, lease
        self._keys = KeySpace(queue, database_of(redis))
        self._replicas = waited_for(replicas, logger)

    @classmethod
    def of(cls, endpoint: Endpoint) -> "Recoverer":
        """Make the recoverer of a queue that worker processes have told their supervisor."""
        assert endpoint.url
        return cls(connect(endpoint.url), endpoint.queue, endpoint.lease, endpoint.replicas)

    async def renew_for(self, worker: str, blocked_by: str) -> None:
        """Renew the leases of a worker that lives, but whose interpreter is held, by a job."""
        store = JobStore(self._redis, self._keys, worker, self._lease)
        _, held = await store.find_claims()
        if held:
            told = {"state": "blocked", "blocked_by": escape(blocked_by or "something")}
            await store.renew(held, beat=Beat(told))

    async def recover(self, death: Death) -> int:
        """Record what was overdue, and give back the rest of the claims; return their number."""
        store = JobStore(self._redis, self._keys, death.worker, self._lease, self._replicas)
        news = News(teller="supervisor")
        now, claimed = await store.find_claims()
        held = [Attempt.read(each) for each in claimed]
        late = overdue(death, held)
        if late:
            records = [_timed_out(*one, death, now, self._queue) for one in late]
            news.recorded(records, await store.record_and_maintain(records))
        recorded = {attempt.job_id for attempt, _ in late}
        charged, outside = suspects(death, held), from_outside(death, held)
        releases = [
            Release(attempt, charge=True, entry=_entry(attempt, death, charged, now, outside))
            if attempt in charged
            else Release(attempt)
            for attempt in held
            if attempt.job_id not in recorded
        ]
        for start in range(0, len(releases), _RELEASED):
            await store.release(releases[start : start + _RELEASED])
        await store.sign_off(SignOff(_event(death), news.take(last=True)))
        return len(releases)

    async def close(self) -> None:
        """Close the connection."""
        await disconnect(self._redis)


def _event(death: Death) -> tuple[str, ...]:
    return ("worker_drained" if death.cause == "stopped" else "worker_died", "how", death.how)


def _entry(
    attempt: Attempt, death: Death, charged: Sequence[Attempt], now: int, outside: bool
) -> bytes:
    """Write the entry of an attempt's history that says how its worker died."""
    error = ErrorInfo(type="WorkerDied", message=death.how)
    entry = {
        "attempt": attempt.number,
        "worker": death.worker,
        "status": "died",
        "error": error,
        "ft": now,
    }
    if len(charged) > 1:
        entry["beside"] = len(charged) - 1
    if outside:
        entry["killed"] = True  # no job caused it
    return encode(entry)


def _timed_out(
    attempt: Attempt, execution: Execution, death: Death, now: int, queue: str
) -> Record[Attempt]:
    verdict = verdicts.expired(execution.which, execution.limit)
    started = now - round((monotonic() - execution.deadline + execution.limit) * 1000)
    times = Times(started, now)
    verdict, payload = verdicts.encode_outcome(verdict, attempt, times, death.worker, queue)
    log_end(attempt, verdict)
    attempt.times = times
    group, name = verdict.group, attempt.name
    return Record(attempt, verdict.status, payload, 3600.0, group=group, name=name)
