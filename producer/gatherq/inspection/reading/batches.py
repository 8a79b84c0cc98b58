"""Batches, as `Inspector` finds and reads them."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from gatherq.contract.checks.near_match import names_like
from gatherq.contract.keys import KeySpace
from gatherq.errors import BatchNotFound, InvalidSelector
from gatherq.escape import escape
from gatherq.inspection.arq_jobs import batch_of_one
from gatherq.inspection.batch_info import BatchInfo, read_batch
from gatherq.inspection.field_values import time_of, whole
from gatherq.inspection.filters import Filter
from gatherq.store.inspection.batch_records import BatchRecords
from gatherq.store.server.retry import RedisRetry

from .slots import SlotReading

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Batches that are read in one round trip.
_PAGE = 500
#: Most names in a message.
_NAMED = 5


class BatchReading:
    """Reads batches by their ids, and the list of them."""

    def __init__(
        self, redis: "Redis", keys: KeySpace, retry: RedisRetry, slots: SlotReading
    ) -> None:
        self._records, self._keys, self._retry = BatchRecords(redis, keys), keys, retry
        self._slots = slots

    async def listed(
        self, tests: Sequence[Filter] = (), begin: float | None = None
    ) -> AsyncIterator[BatchInfo]:
        """Yield the batches of the list that meet all tests, the newest first.

        With `begin` (ms) only those that were submitted since then.
        """
        first = 0
        while ids := await self._retry(self._records.ids, first, _PAGE):
            for batch in await self._read(ids):
                if begin is not None and batch.created and batch.created < time_of(begin):
                    return
                if all(test.matches(batch) for test in tests):
                    yield batch
            first += _PAGE

    async def count(self) -> int:
        """Return how many batches are in the list; some of them may have expired."""
        return await self._retry(self._records.count)

    async def again(self, batch: BatchInfo) -> BatchInfo:
        """Return how the same batch stands now; raises BatchNotFound."""
        if batch.arq:
            found = await self.arq_job(batch.id)
        else:
            found = next(iter(await self._read([batch.id])), None)
        if found is None:
            raise _not_found(batch.id)
        return found

    async def deleting(self, id_: str) -> int | None:
        """Return the size of a batch that is being deleted; None for one that is not."""
        (fields,) = await self._retry(self._records.read, [id_])
        return whole((fields or {}).get("deleting"))

    async def find(self, reference: str) -> BatchInfo:
        """Return the batch that is meant by an id, the beginning of one, `@` or `@2`.

        Or the plain arq job of that id. Raises BatchNotFound and InvalidSelector.
        """
        if reference.startswith("@"):
            return await self._newest(reference)
        for batch in await self._read([reference]):
            return batch
        return await self.arq_job(reference) or await self._by_prefix(reference)

    async def arq_job(self, id_: str) -> BatchInfo | None:
        """Return the plain arq job of that id as a batch of one; None if there is none."""
        slot = await self._slots.arq_job(id_)
        return batch_of_one(slot, self._keys.queue) if slot else None

    async def _read(self, ids: Sequence[str]) -> list[BatchInfo]:
        fields = await self._retry(self._records.read, ids)
        found = (each and read_batch(id_, each) for id_, each in zip(ids, fields, strict=True))
        return [batch for batch in found if batch]

    async def _newest(self, reference: str) -> BatchInfo:
        place, seen = int(reference[1:] or 1), 0
        async for batch in self.listed():
            seen += 1
            if seen == place:
                return batch
        listed = f"only {seen} of them are listed" if seen else "no batch is listed"
        raise BatchNotFound(
            f"there is no batch {reference}: on queue {self._keys.queue} {listed}",
            batch_id=reference,
        )

    async def _by_prefix(self, prefix: str) -> BatchInfo:
        ids = await self._retry(self._records.ids)
        found = await self._read([id_ for id_ in ids if id_.startswith(prefix)][:_PAGE])
        if len(found) == 1:
            return found[0]
        if found:
            names = _shown([batch.id for batch in found])
            raise InvalidSelector(f"{len(found)} batches begin with {prefix}: {names}")
        others = [id_ for id_ in ids if id_ != prefix]  # it is damaged, where it is listed
        raise _not_found(prefix, names_like(prefix, others))


def _not_found(reference: str, near: Sequence[str] = ()) -> BatchNotFound:
    hint = f"; did you mean {_shown(near)}?" if near else ""
    return BatchNotFound(
        f"no batch {reference} in Redis: never submitted there, deleted, or expired{hint}",
        batch_id=reference,
    )


def _shown(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return escape(", ".join(ids[:_NAMED]) + more)
