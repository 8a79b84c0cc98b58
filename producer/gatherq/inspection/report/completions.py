"""How many slots ended, ran and waited at each time of a batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, isnan

from .columns import Columns
from .spans import Span

#: Most intervals that a batch is divided into.
_MOST = 120


@dataclass(slots=True, kw_only=True)
class Completions:
    """Counts for each interval of `step` ms, from the submission on."""

    step: float
    #: Slots that ended, by the number of their status.
    ended: dict[int, list[int]] = field(default_factory=dict)
    #: Mean number of attempts that ran, and of slots that waited for their first.
    running: Sequence[float] = ()
    queued: Sequence[float] = ()


def completions_of(
    columns: Columns, spans: Iterable[Span], first_starts: Sequence[float], until: float
) -> Completions:
    """Count what ended, ran and waited in each interval up to `until`."""
    step = step_of(until)
    count = max(ceil(until / step), 1)
    found = Completions(step=step)
    for status, end in zip(columns.status, columns.end, strict=True):
        if not isnan(end):
            row = found.ended.setdefault(status, [0] * count)
            row[min(int(end / step), count - 1)] += 1
    found.running = means(((span.start, span.end) for span in spans), step, count)
    waits = zip(columns.wait, map(_earliest, first_starts, columns.end), strict=True)
    found.queued = means(waits, step, count)
    return found


def step_of(until: float) -> float:
    """Return the shortest round length of time of which at most 120 make the whole."""
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if step * factor * _MOST >= until:
                return step * factor
        step *= 10


def means(times: Iterable[tuple[float, float]], step: float, count: int) -> list[float]:
    """Return how many of these are under way on average, in each of `count` intervals.

    One without an end goes on to the end of all.
    """
    changes = [0.0] * (count + 2)
    for begin, end in times:
        if not isnan(begin):
            _change(changes, begin / step, 1.0)
            if not isnan(end):
                _change(changes, max(end, begin) / step, -1.0)
    return [max(round(each, 2), 0.0) for each in accumulate(changes[:count])]


def _change(changes: list[float], at: float, by: float) -> None:
    """Let the mean change: in part in the interval of the time `at`, and in full after it."""
    first = min(int(at), len(changes) - 2)
    part = min(at - first, 1.0)
    changes[first] += by * (1 - part)
    changes[first + 1] += by * part


def _earliest(first_start: float, end: float) -> float:
    """Return when a slot ceased to wait for its first attempt: it began, or ended without one."""
    return end if isnan(first_start) else first_start
