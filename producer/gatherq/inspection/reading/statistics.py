"""Statistics, as `Inspector` reads them."""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from gatherq.contract.keys import KeySpace
from gatherq.inspection.field_values import time_of
from gatherq.inspection.job_info import Period, StatisticsPeriod
from gatherq.store.inspection.statistics_records import ByJob, StatisticsRecords
from gatherq.store.server.retry import RedisRetry

if TYPE_CHECKING:
    from redis.asyncio import Redis

_MINUTE, _HOUR = 60_000, 3_600_000
#: Seconds up to which minutes are shown one by one; hours for which there are minutes; all hours.
_BY_MINUTE, _WITH_MINUTES, _MOST_HOURS = 2 * 3600, 24, 30 * 24
#: Minutes that tell the rate of late.
LATE = 6


class StatisticsReading:
    """Reads the statistics of a queue."""

    def __init__(self, redis: "Redis", keys: KeySpace, retry: RedisRetry) -> None:
        self._records, self._retry = StatisticsRecords(redis, keys), retry

    async def totals(self) -> ByJob:
        """Return what was counted since there are statistics."""
        return await self._retry(self._records.totals)

    async def late(self, now: float) -> list[ByJob]:
        """Return the last minutes up to `now` (ms), the oldest first."""
        last = int(now // _MINUTE)
        return await self._retry(self._records.minutes, range(last - LATE + 1, last + 1))

    async def periods(
        self, since: float, now: float, by: Period | None = None
    ) -> list[StatisticsPeriod]:
        """Return each minute of the last `since` seconds, or each hour if they are many."""
        first = now - since * 1000
        if (by or ("minute" if since <= _BY_MINUTE else "hour")) == "minute":
            last = int(now // _MINUTE)
            minutes = range(max(int(first // _MINUTE), last - _WITH_MINUTES * 60), last + 1)
            found = await self._retry(self._records.minutes, minutes)
            return list(_periods(minutes, found, _MINUTE))
        last = int(now // _HOUR)
        hours = range(max(int(first // _HOUR), last - _MOST_HOURS), last + 1)
        return list(_periods(hours, await self._hours(hours), _HOUR))

    async def _hours(self, hours: range) -> list[ByJob]:
        """Return each hour; one that nobody has summed yet is the sum of its minutes."""
        found = await self._retry(self._records.hours, hours)
        for n, hour in enumerate(hours):
            if not found[n] and hour > hours[-1] - _WITH_MINUTES:
                minutes = range(hour * 60, hour * 60 + 60)
                found[n] = reduce(_sum, await self._retry(self._records.minutes, minutes))
        return found


def _periods(
    numbers: Sequence[int], found: Sequence[ByJob], length: int
) -> Iterator[StatisticsPeriod]:
    for number, jobs in zip(numbers, found, strict=True):
        yield StatisticsPeriod(start=time_of(number * length), seconds=length // 1000, jobs=jobs)


def _sum(one: ByJob, other: ByJob) -> ByJob:
    both = one.keys() & other.keys()
    return {**one, **other, **{name: one[name] + other[name] for name in both}}
