"""How fast a batch goes, by its latest completions."""

from collections.abc import Sequence
from datetime import datetime

from gatherq.inspection.batch_info import BatchInfo
from gatherq.store.inspection.completion_records import LATEST, Completion
from gatherq.store.redrive import REDRIVEN

#: Shortest time (s) of which a rate tells anything.
_LEAST = 0.1
#: Seconds after which a batch of which nothing runs is taken to be stuck.
_STUCK = 10.0


def rate(latest: Sequence[Completion], now: float, begin: datetime | None) -> float | None:
    """Return how many slots end in a second: `latest` are the latest completions, newest first.

    `now` is Redis's time (ms), `begin` the first start; it counts where these completions are all
    that there were. Only what ended since the last redrive counts, and the time since then: before
    it the batch may have stood still for days. None where nothing has ended yet. What stands still
    gets slower.
    """
    redriven = next((n for n, each in enumerate(latest) if _redrives(each)), len(latest))
    counts = [_ran(each) for each in latest[:redriven]]
    if not sum(counts):
        return None
    if redriven < len(latest):
        return sum(counts) / _seconds(now - latest[redriven].at)
    if len(latest) < LATEST and begin is not None:
        return sum(counts) / _seconds(now - begin.timestamp() * 1000)
    return sum(counts[:-1]) / _seconds(now - latest[-1].at)


def _ran(completion: Completion) -> int:
    """Count what workers had to do with: a cancellation says nothing of how fast they are."""
    return sum(status != "cancelled" for _, status in completion.slots)


def _redrives(completion: Completion) -> bool:
    return any(status == REDRIVEN for _, status in completion.slots)


def _seconds(ms: float) -> float:
    return max(ms / 1000, _LEAST)


def remaining(left: int, rate: float | None) -> float | None:
    """Return the seconds until so many slots have ended at this rate; None if it is not known."""
    return left / rate if rate else None


def stands_still(batch: BatchInfo, now: datetime) -> bool:
    """Tell whether nothing of a batch runs, and probably has not for a while."""
    since = batch.idle_since
    waits = since and (now - since).total_seconds() > _STUCK
    return bool(waits and batch.left and not batch.running)
