"""What runs of a batch, and how fast it goes, as `Inspector` reads it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.inspection.batch_info import BatchInfo, keys_of
from gatherq.inspection.progress.pace import rate
from gatherq.inspection.progress.running_slots import RunningSlot, running_slots
from gatherq.inspection.redaction.redaction import NOTHING, Redaction
from gatherq.inspection.worker_info import read_worker
from gatherq.store.inspection.completion_records import CompletionRecords
from gatherq.store.inspection.worker_records import WorkerRecords
from gatherq.store.server.retry import RedisRetry

if TYPE_CHECKING:
    from redis.asyncio import Redis


class RunningReading:
    """Reads what workers say they run, and the latest completions."""

    def __init__(
        self, redis: "Redis", keys: KeySpace, retry: RedisRetry, redaction: Redaction = NOTHING
    ) -> None:
        self._redis, self._keys, self._retry = redis, keys, retry
        self._redaction = redaction
        self._completions = CompletionRecords(redis, keys)

    async def now(self) -> float:
        """Return Redis's time, in ms since 1970."""
        seconds, micros = await self._retry(self._redis.time)
        return int(seconds) * 1000 + int(micros) / 1000

    async def slots(self, batch: BatchInfo) -> list[RunningSlot]:
        """Return what runs of a batch, the longest first."""
        if not batch.running:
            return []
        workers = WorkerRecords(self._redis, keys_of(batch, self._keys))
        records = await self._retry(workers.read)
        now = await self.now()
        found = [self._redaction.worker(read_worker(each, now)) for each in records]
        return running_slots(batch.id, found, now)

    async def rates(self, batches: Sequence[BatchInfo]) -> dict[str, float]:
        """Return how many slots end in a second, of those batches of which it is known."""
        moving = [batch for batch in batches if batch.state == "running"]
        if not moving:
            return {}
        latest = await self._retry(self._completions.latest, [batch.id for batch in moving])
        now = await self.now()
        found = {
            batch.id: rate(each, now, batch.started)
            for batch, each in zip(moving, latest, strict=True)
        }
        return {id_: each for id_, each in found.items() if each is not None}
