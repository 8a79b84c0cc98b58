"""What `explain` looks at, read for one batch."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatherq.contract.keys import KeySpace, job_id
from gatherq.errors import RedisUnavailable
from gatherq.inspection.arq_jobs import read_arq_job
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.explain.facts import Facts, GateFacts, ServerFacts
from gatherq.inspection.filters import PENDING
from gatherq.inspection.limits.places import GATE
from gatherq.inspection.redaction.redaction import NOTHING, Redaction
from gatherq.inspection.slot_info import SlotInfo, read_slot
from gatherq.store.claims import time_in
from gatherq.store.completions import CompletionStream, latest
from gatherq.store.inspection.queue_records import QueueRecords
from gatherq.store.inspection.server_record import ServerRecord, read_server
from gatherq.store.inspection.slot_records import SlotRecord, SlotRecords
from gatherq.store.redrive import REDRIVEN
from gatherq.store.server.retry import RedisRetry
from gatherq.store.worker_presence import WorkerPresence

from .gates import GateReading
from .queues import QueueReading

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Most pending slots that are looked at one by one, and ended ones that tell what is usual.
_MOST, _SAMPLE = 2_000, 300
#: Least number of ended jobs of a name that tell what is usual; most gates that are told.
_LEAST, _GATES = 10, 5


class ExplanationReading:
    """Reads the facts about one batch; some twelve round trips."""

    def __init__(self, redis: "Redis", retry: RedisRetry, redaction: Redaction = NOTHING) -> None:
        self._redis, self._retry, self._redaction = redis, retry, redaction

    async def server(self) -> ServerFacts:
        """Return what the server says of itself."""
        return server_facts(await self._retry(read_server, self._redis))

    async def facts(
        self, batch: BatchInfo, keys: KeySpace, only: Collection[int] | None, server: ServerFacts
    ) -> Facts:
        """Return the facts about a batch of the queue of `keys`, or `only` about some slots."""
        ended = await self._ended(keys, batch.id)
        left = [slot for slot in (range(batch.size) if only is None else only) if slot not in ended]
        seconds, micros = await self._retry(self._redis.time)
        now = int(seconds) * 1000 + int(micros) / 1000
        records = await self._records(keys, batch, left[:_MOST])
        slots = self._read(keys, batch, records)
        pending = [slot for slot in slots if slot.status in PENDING]
        pool = await QueueReading(self._redis, self._retry, self._redaction).look(keys)
        return Facts(
            batch=batch,
            now=datetime.fromtimestamp(now / 1000, UTC),
            pending=pending,
            total=len(left) - (len(slots) - len(pending)),
            workers=pool.workers,
            queue=pool.queue,
            gates=await self._gates(keys, records),
            ahead=await self._ahead(keys, records, now),
            elsewhere=await self._elsewhere(keys),
            usual=await self._usual(keys, batch, ended),
            server=server,
        )

    async def _ended(self, keys: KeySpace, batch: str) -> dict[int, str]:
        """Return the slots that have ended, from the completions: a large batch has few entries."""
        stream, position = CompletionStream(self._redis, keys), b"0"
        statuses: dict[int, str] = {}
        while True:
            last, found = await self._retry(stream.read, batch, position)
            if last == position:
                return statuses
            position = last
            for slot, status in latest(found):
                if status == REDRIVEN:
                    statuses.pop(slot, None)
                else:
                    statuses[slot] = status

    async def _records(
        self, keys: KeySpace, batch: BatchInfo, slots: Sequence[int]
    ) -> list[SlotRecord]:
        ids = {slot: batch.id if batch.arq else job_id(batch.id, slot) for slot in slots}
        of = "" if batch.arq else batch.id
        return await self._retry(SlotRecords(self._redis, keys).read, ids, of)

    def _read(
        self, keys: KeySpace, batch: BatchInfo, records: Iterable[SlotRecord]
    ) -> list[SlotInfo]:
        if batch.arq:
            jobs = (read_arq_job(batch.id, record) for record in records)
            return [self._redaction.slot(job) for job in jobs if job]
        found = (read_slot(keys, batch.id, record) for record in records)
        return [self._redaction.slot(slot) for slot in found]

    async def _gates(self, keys: KeySpace, records: Iterable[SlotRecord]) -> list[GateFacts]:
        """Return the gates that slots wait at; their names are not those that are shown."""
        places = (each.waits_at for each in records if each.waits_at.startswith(GATE))
        found = Counter(place.removeprefix(GATE) for place in places).most_common(_GATES)
        reading = GateReading(self._redis, self._retry, self._redaction)
        gates = await reading.named(keys, [name for name, _ in found])
        counts = [count for _, count in found]
        return [GateFacts(gate=g, slots=n) for g, n in zip(gates, counts, strict=True)]

    async def _ahead(self, keys: KeySpace, records: Iterable[SlotRecord], now: float) -> int:
        """Return how many claimable jobs stand before the first of these."""
        free = (each.score for each in records if each.result is None and each.token is None)
        due = [score for score in free if score is not None and (time_in(score) or 0) <= now]
        first = min(due, default=None)
        if first is None:
            return 0
        return await self._retry(QueueRecords(self._redis, keys).ahead, first, now)

    async def _elsewhere(self, keys: KeySpace) -> Mapping[str, int | None]:
        try:
            presence = await self._retry(WorkerPresence(self._redis).look, keys.queue, {})
        except RedisUnavailable:  # this user may not read the list of workers
            return {}
        return presence.elsewhere or {}

    async def _usual(
        self, keys: KeySpace, batch: BatchInfo, ended: Mapping[int, str]
    ) -> Mapping[str, float]:
        """Return what 99 % of the jobs of each name took at most, by some that succeeded."""
        sample = [slot for slot, status in ended.items() if status == "succeeded"][:_SAMPLE]
        took: dict[str, list[float]] = defaultdict(list)
        for slot in self._read(keys, batch, await self._records(keys, batch, sample)):
            if slot.took is not None:
                took[slot.name].append(slot.took)
        return {
            name: sorted(each)[int(0.99 * len(each))]
            for name, each in took.items()
            if len(each) >= _LEAST
        }


def server_facts(record: ServerRecord) -> ServerFacts:
    """Read the reply to INFO."""
    info = record.fields
    host, port = info.get("master_host"), info.get("master_port")
    return ServerFacts(
        role=str(info.get("role", "")),
        master=f"{host}:{port}" if host else "",
        loading=bool(info.get("loading")),
        policy=str(info.get("maxmemory_policy", "")),
        maxmemory=_number(info.get("maxmemory")) or 0,
        evicted=_number(info.get("evicted_keys")) or 0,
        uptime=_number(info.get("uptime_in_seconds")),
        latency=record.latency,
    )


def _number(value: Any) -> int | None:
    return value if type(value) is int else None
