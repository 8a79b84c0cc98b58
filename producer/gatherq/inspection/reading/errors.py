"""Error groups, as `Inspector` reads them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.error_group import (
    ErrorGroup,
    add_slot,
    counted_groups,
    in_order,
    merged,
)
from gatherq.inspection.redaction.redaction import NOTHING, Redaction
from gatherq.inspection.report.error_changes import ErrorChange, changes_of
from gatherq.store.inspection.completion_records import CompletionRecords
from gatherq.store.inspection.error_records import ErrorRecords
from gatherq.store.redrive import REDRIVEN
from gatherq.store.server.retry import RedisRetry

from .slots import SlotReading

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Slots that are looked at for what a count does not tell: which they are, and since when.
_LOOKED_AT = 500


class ErrorReading:
    """Reads the error groups of batches."""

    def __init__(
        self,
        redis: "Redis",
        keys: KeySpace,
        retry: RedisRetry,
        slots: SlotReading,
        redaction: Redaction = NOTHING,
    ) -> None:
        self._counts, self._completions = ErrorRecords(redis, keys), CompletionRecords(redis, keys)
        self._retry, self._slots, self._redaction = retry, slots, redaction

    async def groups(self, batch: BatchInfo) -> list[ErrorGroup]:
        """Return the groups of a batch as they are counted, else as its slots tell of them."""
        bad = await self._unsuccessful(batch)
        counted = counted_groups(await self._retry(self._counts.read, batch.id))
        if counted:
            firsts = [slot for group in counted.values() for slot in group.slots]
            bad = sorted({*bad[:_LOOKED_AT], *firsts})
        seen: dict[str, ErrorGroup] = {}
        async for slot in self._slots.read(batch, bad):
            add_slot(seen, slot)
        found = (merged(group, seen.get(key)) for key, group in counted.items())
        return in_order(map(self._redaction.group, found if counted else seen.values()))

    async def changes(self, batch: BatchInfo) -> list[ErrorChange]:
        """Return the groups as they are counted, now and before the last redrive."""
        found = changes_of(await self._retry(self._counts.read, batch.id), batch.generation)
        return [replace(each, group=self._redaction.group(each.group)) for each in found]

    async def counted(self, batches: Sequence[BatchInfo]) -> list[list[ErrorGroup]]:
        """Return the groups of each batch as they are counted, and nothing else of them."""
        found = await self._retry(self._counts.read_all, [batch.id for batch in batches])
        groups = (counted_groups(fields).values() for fields in found)
        return [in_order(map(self._redaction.group, each)) for each in groups]

    async def _unsuccessful(self, batch: BatchInfo) -> list[int]:
        """Return the slots that did not succeed, as the completions say; else all slots."""
        last: dict[int, str] = {}
        after = b"0"
        while found := await self._retry(self._completions.read, batch.id, after):
            for completion in found:
                last.update(completion.slots)
            after = found[-1].id
        good = ("succeeded", REDRIVEN)
        bad = sorted(s for s, status in last.items() if status not in good and s < batch.size)
        complete = len(bad) >= batch.bad + batch.cancelled
        return bad if complete else [*range(batch.size)]
