"""Within which time a share of the jobs was done, as people read it."""

from math import isinf
from typing import Literal

from gatherq.contract.statistics import BOUNDS, JobStatistics
from gatherq.inspection.durations import show_duration

from .amounts import show_seconds


def show_quantile(statistics: JobStatistics, percent: int, of: Literal["run", "wait"]) -> str:
    """Return a duration, `>5m` beyond the last bound; `-` where nothing was counted."""
    seconds = statistics.quantile(percent / 100, of)
    if seconds is not None and isinf(seconds):
        return f">{show_duration(BOUNDS[-1])}"
    return show_seconds(seconds)
