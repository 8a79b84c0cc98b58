"""Runs of cron jobs: each is queued once, whichever worker comes first."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .script import script

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

    from .server.replicas import Replicas

#: For how long it is known that a run was queued, in ms.
_TICK_TTL = 3_600_000
#: A run that is later than this, in ms, is skipped: what is known of it may have expired.
TOO_LATE = 3_000_000


@dataclass(frozen=True, slots=True)
class CronRun:
    """One run of a cron job."""

    #: Tells this run from any other.
    run: str
    job_id: str
    job: bytes
    #: When the job is to run, in ms of Redis's clock.
    score: int
    #: How long its data stays, in ms.
    keep: int


async def enqueue_cron_run(
    redis: "Redis", keys: "KeySpace", cron: CronRun, replicas: "Replicas | None" = None
) -> bool:
    """Queue a run of a cron job; False if it was queued before, by this or another worker."""
    enqueue = script("job/enqueue_cron_run").bind(redis, keys, replicas, tick_ttl=_TICK_TTL)
    reply = await enqueue(
        job_key=keys.job(cron.job_id),
        result_key=keys.result(cron.job_id),
        tick_key=keys.tick(cron.run),
        job_id=cron.job_id,
        payload=cron.job,
        due=cron.score,
        keep=cron.keep,
    )
    return bool(reply)


class CronStore:
    """What a worker asks of Redis about cron jobs. It belongs to the event loop of its client."""

    def __init__(
        self, redis: "Redis", keys: "KeySpace", replicas: "Replicas | None" = None
    ) -> None:
        self._redis, self._keys, self._replicas = redis, keys, replicas

    async def now(self) -> int:
        """Return Redis's time, in ms."""
        seconds, micros = await self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def enqueue(self, cron: CronRun) -> bool:
        """Queue a run; False if it was queued before, by this or another worker."""
        return await enqueue_cron_run(self._redis, self._keys, cron, self._replicas)
