"""Slots, as `Inspector` reads them: some hundred at a time, and some MiB at a time."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace, job_id
from gatherq.inspection.arq_jobs import read_arq_job
from gatherq.inspection.batch_info import BatchInfo, keys_of
from gatherq.inspection.redaction.redaction import NOTHING, Redaction
from gatherq.inspection.slot_info import SlotInfo, read_slot
from gatherq.store.inspection.slot_records import SlotRecords
from gatherq.store.server.retry import RedisRetry

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Slots of a page, and most bytes of results in one reply; a single one may be larger.
_PAGE, _BYTES = 500, 8 * 1024 * 1024


class SlotReading:
    """Reads slots of batches, each in the queue of its batch, and plain arq jobs."""

    def __init__(
        self, redis: "Redis", keys: KeySpace, retry: RedisRetry, redaction: Redaction = NOTHING
    ) -> None:
        self._redis, self._keys, self._retry = redis, keys, retry
        self._redaction = redaction

    async def read(self, batch: BatchInfo, slots: Iterable[int]) -> AsyncIterator[SlotInfo]:
        """Yield these slots, in their order; what is held at a time is bounded."""
        keys = keys_of(batch, self._keys)
        records = SlotRecords(self._redis, keys)
        for page in _pages(slots):
            ids = {slot: job_id(batch.id, slot) for slot in page}
            sizes = await self._retry(records.sizes, ids)
            for part in _parts(ids, sizes):
                for record in await self._retry(records.read, part, batch.id):
                    yield self._redaction.slot(read_slot(keys, batch.id, record))

    async def arq_job(self, id_: str) -> SlotInfo | None:
        """Return the plain arq job of that id; None if there is none."""
        (record,) = await self._retry(SlotRecords(self._redis, self._keys).read, {0: id_})
        job = read_arq_job(id_, record)
        return job and self._redaction.slot(job)


def _pages(slots: Iterable[int]) -> Iterator[Sequence[int]]:
    rest = iter(slots)
    while page := list(islice(rest, _PAGE)):
        yield page


def _parts(ids: Mapping[int, str], sizes: Sequence[int]) -> Iterator[Mapping[int, str]]:
    """Cut a page where the results become too many bytes."""
    part: dict[int, str] = {}
    bytes_ = 0
    for (slot, id_), size in zip(ids.items(), sizes, strict=True):
        if part and bytes_ + size > _BYTES:
            yield part
            part, bytes_ = {}, 0
        part[slot] = id_
        bytes_ += size
    if part:
        yield part
