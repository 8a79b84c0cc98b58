"""How fast a batch goes, by its latest completions."""

from collections.abc import Sequence
from datetime import datetime

from gatherq.store.inspection.completion_records import LATEST, Completion
from gatherq.store.redrive import REDRIVEN

#: Shortest time (s) of which a rate tells anything.
_LEAST = 0.1


def rate(latest: Sequence[Completion], now: float, begin: datetime | None) -> float | None:
    """Return how many slots end in a second: `latest` are the latest completions, newest first.

    `now` is Redis's time (ms), `begin` the first start; it counts where these completions are all
    that there were. None where nothing has ended yet. What stands still gets slower.
    """
    counts = [sum(status != REDRIVEN for _, status in each.slots) for each in latest]
    if not sum(counts):
        return None
    if len(latest) < LATEST and begin is not None:
        return sum(counts) / max(now / 1000 - begin.timestamp(), _LEAST)
    return sum(counts[:-1]) / max((now - latest[-1].at) / 1000, _LEAST)


def remaining(left: int, rate: float | None) -> float | None:
    """Return the seconds until so many slots have ended at this rate; None if it is not known."""
    return left / rate if rate else None
