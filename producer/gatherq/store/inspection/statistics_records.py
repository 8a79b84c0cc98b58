"""The statistics of a queue by job: over all, and by minute and hour."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gatherq.contract.statistics import JobStatistics, decode
from gatherq.store.claims import text

from .reading import ask_allowed, fields_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gatherq.contract.keys import KeySpace

#: Statistics by the name of the job.
ByJob = Mapping[str, JobStatistics]


class StatisticsRecords:
    """Reads statistics; each method is one round trip."""

    def __init__(self, redis: "Redis", keys: "KeySpace") -> None:
        self._redis, self._keys = redis, keys

    async def totals(self) -> ByJob:
        """Return what was counted since there are statistics."""
        (reply,) = await ask_allowed(self._redis, [("HGETALL", self._keys.totals)])
        return _by_job(reply)

    async def minutes(self, minutes: Sequence[int]) -> list[ByJob]:
        """Return what was counted in each minute: their number since 1970."""
        return await self._periods([f"{minute}" for minute in minutes])

    async def hours(self, hours: Sequence[int]) -> list[ByJob]:
        """Return what was counted in each hour: their number since 1970."""
        return await self._periods([f"h{hour}" for hour in hours])

    async def _periods(self, names: Sequence[str]) -> list[ByJob]:
        commands = [("HGETALL", self._keys.statistics(name)) for name in names]
        return [_by_job(reply) for reply in await ask_allowed(self._redis, commands)]


def _by_job(reply: Any) -> ByJob:
    return {text(name): decode(raw) for name, raw in fields_of(reply)}
