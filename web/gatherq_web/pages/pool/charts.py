"""What ended over time, and how long it took: the numbers of two charts, and of a table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, NamedTuple

from starlette.requests import Request

from gatherq.contract.statistics import BOUNDS, STATUSES, JobStatistics
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.job_info import Period, StatisticsPeriod, total
from gatherq_web.rendering.given import word_in

#: Least seconds that a logarithmic axis shows.
_LEAST = 0.001
_SHARES = (50, 95, 99)
_OF: tuple[Literal["run", "wait"], ...] = ("run", "wait")


class Span(NamedTuple):
    """How far back a chart goes, in seconds, and of which periods it is."""

    name: str
    words: str
    seconds: int
    by: Period
    #: Seconds of a bar, in words too, and of a row of the table; and after which it is read again.
    bar: int
    bar_words: str
    row: int
    pause: int


_SPANS: Mapping[str, Span] = {
    each.name: each
    for each in (
        Span("1h", "hour", 3600, "minute", 60, "minute", 300, 10),
        Span("8h", "8 hours", 8 * 3600, "minute", 300, "5 minutes", 3600, 60),
        Span("30d", "30 days", 30 * 86_400, "hour", 3600, "hour", 86_400, 300),
    )
}


@dataclass(frozen=True, slots=True)
class Charts:
    """What ended within a span; in all, and by rows, each with the time of its start."""

    span: Span
    ended: JobStatistics
    rows: Sequence[StatisticsPeriod]
    #: JSON for the script that draws.
    data: str

    @property
    def spans(self) -> Iterator[Span]:
        """Yield all that can be asked for."""
        yield from _SPANS.values()


async def charts_of(
    request: Request, inspector: Inspector, *, oldest: float | None = None, job: str | None = None
) -> Charts | None:
    """Read the charts that a page asks for, of all jobs or of one; None if it has them already.

    `oldest` is for how many seconds the oldest job waits.
    """
    if word_in(request, "charts", ["no"]):
        return None
    span = span_of(request)
    found = await inspector.statistics(span.seconds, by=span.by)
    counted = [_counted(period, job) for period in found]
    bars = [*merged(counted, span.bar)]
    return Charts(
        span=span,
        ended=total(bar.statistics for bar in bars),
        rows=[*merged(counted, span.row)],
        data=json.dumps(drawn(bars, span, oldest), separators=(",", ":")),
    )


def span_of(request: Request) -> Span:
    """Return how far back a page asks for, an hour where it does not say; HTTPException (400)."""
    return _SPANS[word_in(request, "since", _SPANS) or "1h"]


def _counted(period: StatisticsPeriod, job: str | None) -> StatisticsPeriod:
    """Return a period with what was counted as one number of each kind."""
    found = period.jobs.values() if job is None else filter(None, [period.jobs.get(job)])
    return StatisticsPeriod(start=period.start, seconds=period.seconds, jobs={"": total(found)})


def merged(periods: Sequence[StatisticsPeriod], seconds: int) -> Iterator[StatisticsPeriod]:
    """Yield longer periods in place of those that begin in them."""
    for _, group in groupby(periods, lambda period: int(period.start.timestamp()) // seconds):
        first, *others = group
        whole = total([first.statistics, *(other.statistics for other in others)])
        yield StatisticsPeriod(start=first.start, seconds=seconds, jobs={"": whole})


def drawn(bars: Sequence[StatisticsPeriod], span: Span, oldest: float | None) -> dict[str, Any]:
    counted = [bar.statistics for bar in bars]
    return {
        "step": span.bar,
        "times": [int(bar.start.timestamp()) for bar in bars],
        "ended": {status: [getattr(each, status) for each in counted] for status in STATUSES},
        "took": {
            f"{of} p{share}": [_shown(each.quantile(share / 100, of)) for each in counted]
            for of in _OF
            for share in _SHARES
        },
        "oldest": oldest and _shown(oldest),
    }


def _shown(seconds: float | None) -> float | None:
    """Return what a logarithmic axis can show: what took longer than the last bound is at it."""
    return None if seconds is None else round(min(max(seconds, _LEAST), BOUNDS[-1]), 4)
