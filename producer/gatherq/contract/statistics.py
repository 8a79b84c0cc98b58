"""Statistics of jobs by name, as they stand in Redis: counts, sums and two histograms.

A vector of 44 whole numbers, in MessagePack: the five statuses, retries, ms of running and of
waiting, then the buckets of the times of running and of waiting.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

#: Upper bounds of the buckets, in seconds; a last bucket has what took longer.
BOUNDS: tuple[float, ...] = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0),
)
_BOUNDS_MS = [bound * 1000 for bound in BOUNDS]
BUCKETS: int = len(BOUNDS) + 1
#: Where the numbers stand in a vector; `lua/include/statistics.lua` counts from 1.
STATUSES: tuple[str, ...] = ("succeeded", "failed", "timed_out", "cancelled", "lost")
RETRIED, RUN_MS, WAIT_MS, RUN = 5, 6, 7, 8
WAIT: int = RUN + BUCKETS
SIZE: int = WAIT + BUCKETS
#: The name under which jobs are counted that no handler is known for.
UNKNOWN = "<unknown>"

_NONE = (0,) * BUCKETS
#: First bytes of an array of `SIZE` items, and bytes of the integers by their first byte.
_ARRAY = b"\xdc" + SIZE.to_bytes(2, "big")
_WIDTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """What became of the jobs of one name, in all or within some time; `+` adds two of them."""

    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    lost: int = 0
    #: Attempts that were followed by another.
    retried: int = 0
    #: Sums in ms: of the attempts with an outcome, and of the waits for a first attempt.
    run_ms: int = 0
    wait_ms: int = 0
    #: How many of each took so long, by `BOUNDS`.
    run: tuple[int, ...] = _NONE
    wait: tuple[int, ...] = _NONE

    @property
    def ended(self) -> int:
        """How many jobs have an outcome."""
        return self.succeeded + self.failed + self.timed_out + self.cancelled + self.lost

    def __add__(self, other: "JobStatistics") -> "JobStatistics":
        mine, others = _numbers(self), _numbers(other)
        return _of([a + b for a, b in zip(mine, others, strict=True)])

    def quantile(self, share: float, of: Literal["run", "wait"] = "run") -> float | None:
        """Return the seconds within which this share (0 to 1) ended or began; None for no jobs.

        It is read off the histogram, evenly within a bucket; infinite beyond the last bound.
        Raises ValueError for a share that is none.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"a share is from 0 to 1, not {share!r}")
        histogram = self.run if of == "run" else self.wait
        rank, below = share * sum(histogram), 0
        for at, count in enumerate(histogram):
            if count and below + count >= rank:
                return _within(at, (rank - below) / count)
            below += count
        return None


def bucket(ms: int) -> int:
    """Return the number of the bucket that so many ms belong to."""
    return bisect_left(_BOUNDS_MS, ms)


def decode(raw: bytes | None) -> JobStatistics:
    """Read a vector; what is none counts as nothing."""
    if raw is None or not raw.startswith(_ARRAY):
        return JobStatistics()
    try:
        numbers = list(_integers(raw[len(_ARRAY) :]))
    except (IndexError, ValueError):
        return JobStatistics()
    return _of(numbers) if len(numbers) == SIZE else JobStatistics()


def _within(at: int, share: float) -> float:
    if at == len(BOUNDS):
        return float("inf")
    low = BOUNDS[at - 1] if at else 0.0
    return low + (BOUNDS[at] - low) * share


def _numbers(given: JobStatistics) -> list[int]:
    *counts, run, wait = astuple(given)
    return [*counts, *run, *wait]


def _of(numbers: Sequence[int]) -> JobStatistics:
    run, wait = tuple(numbers[RUN:WAIT]), tuple(numbers[WAIT:])
    succeeded, failed, timed_out, cancelled, lost, retried, run_ms, wait_ms = numbers[:RUN]
    counts = (succeeded, failed, timed_out, cancelled, lost)
    return JobStatistics(*counts, retried, run_ms, wait_ms, run, wait)


def _integers(raw: bytes) -> Iterator[int]:
    """Yield unsigned integers; raises ValueError for anything else, IndexError for a cut one."""
    at = 0
    while at < len(raw):
        first = raw[at]
        width = 0 if first < 0x80 else _WIDTHS.get(first, -1)
        if width < 0:
            raise ValueError(f"{first:#x} begins no unsigned integer")
        if at + width >= len(raw):
            raise IndexError(at)
        yield int.from_bytes(raw[at + 1 : at + 1 + width], "big") if width else first
        at += 1 + width
