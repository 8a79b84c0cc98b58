"""Events, as `Inspector` reads them."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.contract.short_repr import value_repr
from gatherq.errors import InvalidSelector
from gatherq.inspection.event_info import EventInfo, read_event
from gatherq.inspection.filters import Filter
from gatherq.store.inspection.event_records import EventRecords
from gatherq.store.server.retry import RedisRetry

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: The id of an entry of a stream; Redis refuses larger ones.
_ID = re.compile(r"\d{1,19}(-\d{1,19})?", re.ASCII)
#: How long a read waits for news (ms): less than a connection waits for a reply.
_BLOCK = 1_000


class EventReading:
    """Reads the events of a queue."""

    def __init__(self, redis: "Redis", keys: KeySpace, retry: RedisRetry) -> None:
        self._records, self._retry = EventRecords(redis, keys), retry

    async def latest(self, tests: Sequence[Filter], before: str, limit: int) -> list[EventInfo]:
        """Return at most `limit` events before the one with that id, the newest first."""
        _check(before)
        found: list[EventInfo] = []
        while page := await self._retry(self._records.read_back, before):
            events = map(read_event, page)
            found += [event for event in events if all(test.matches(event) for test in tests)]
            if len(found) >= limit:
                break
            before = page[-1].id
        return found[:limit]

    async def read(
        self, tests: Sequence[Filter], after: str, *, follow: bool
    ) -> AsyncIterator[EventInfo]:
        """Yield events after the one with that id; while following, those to come without end."""
        _check(after)
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            found = await self._retry(self._records.read, after, _BLOCK if follow else 0)
            for each in found:
                event = read_event(each)
                if all(test.matches(event) for test in tests):
                    yield event
            if not found and not follow:
                return
            after = found[-1].id if found else after
            if not found:  # a key of another type does not let anybody wait
                await asyncio.sleep(max(began + _BLOCK / 1000 - clock(), 0))


def _check(id_: str) -> None:
    if id_ and not _ID.fullmatch(id_):
        raise InvalidSelector(f"{value_repr(id_)} is no id of an event: one is as 1732790000000-0")
