"""Attempts as spans of time in lanes: those of a lane of a worker never overlap."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import groupby
from math import isnan, nan
from operator import attrgetter
from typing import NamedTuple

from .columns import NONE, Columns


class Span(NamedTuple):
    """One attempt, in ms from the submission."""

    slot: int
    #: 1 for the first attempt that is known of its slot, and whether there is none after it.
    attempt: int
    last: bool
    worker: int
    status: int
    #: Since when it waited: queued, or given back after the attempt before.
    since: float
    start: float
    end: float
    lane: int = NONE


class Lanes(NamedTuple):
    """All attempts by worker and lane, each lane in the order of time."""

    spans: list[Span]
    #: How many lanes each worker has: it ran so many jobs at a time.
    heights: list[int]


def lanes_of(columns: Columns, until: float) -> Lanes:
    """Put every attempt whose worker and start are known into the first lane that is free.

    `until` is the end of what runs still.
    """
    heights = [0] * len(columns.workers)
    placed: list[Span] = []
    spans = sorted(filter(_known, _spans(columns, until)), key=attrgetter("worker", "start", "end"))
    for worker, of_worker in groupby(spans, key=attrgetter("worker")):
        group = [*of_worker]
        lanes = free_lanes([(span.start, span.end) for span in group])
        heights[worker] = max(lanes) + 1
        placed += [span._replace(lane=lane) for span, lane in zip(group, lanes, strict=True)]
    placed.sort(key=attrgetter("worker", "lane", "start", "end"))
    return Lanes(placed, heights)


def free_lanes(times: Sequence[tuple[float, float]]) -> list[int]:
    """Return a lane for each of these times, which are in order of their starts."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    lanes = []
    for start, end in times:
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        lane = heappop(free) if free else len(busy)
        heappush(busy, (end, lane))
        lanes.append(lane)
    return lanes


def _known(span: Span) -> bool:
    return span.worker != NONE and not isnan(span.start)


def _spans(columns: Columns, until: float) -> Iterator[Span]:
    """Yield every attempt that can be placed; those of a slot in their order."""
    earlier = {slot: [*each] for slot, each in groupby(columns.earlier, key=attrgetter("slot"))}
    running = columns.statuses.get("running")
    for slot in range(len(columns)):
        before = earlier.get(slot, ())
        status, since = columns.status[slot], columns.wait[slot]
        for number, each in enumerate(before, 1):
            yield Span(
                slot, number, False, each.worker, each.status, since, *_times(each.start, each.end)
            )
            since = each.end
        start, end = _times(columns.start[slot], columns.end[slot], until, open_=status == running)
        number = len(before) + 1
        yield Span(slot, number, True, columns.worker[slot], status, since, start, end)


def _times(
    start: float, end: float, until: float = nan, *, open_: bool = False
) -> tuple[float, float]:
    """Return the start, and an end that is not before it."""
    end = until if open_ else start if isnan(end) else end
    return start, max(start, end)
