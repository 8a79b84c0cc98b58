"""Counts what became of jobs, by name, until it is told to Redis."""

import threading
from collections.abc import Iterable

from gatherq.contract.statistics import (
    RETRIED,
    RUN,
    RUN_MS,
    SIZE,
    STATUSES,
    UNKNOWN,
    WAIT,
    WAIT_MS,
    bucket,
)
from gatherq.store.jobs import Record
from gatherq_worker.attempt import Attempt

#: Most names that are counted between two flushes; what else ends counts as unknown.
_MOST_NAMES = 500
_CELL_OF = {status: cell for cell, status in enumerate(STATUSES)}


class JobCounts:
    """Counts by name; where `names` are given, all others are one.

    The event loop's thread counts, and another may take.
    """

    def __init__(self, names: Iterable[str] | None = None) -> None:
        self._known = None if names is None else frozenset(names)
        self._lock = threading.Lock()
        self._cells: dict[str, list[int]] = {}
        #: Outcomes that Redis has recorded, and refused, since this worker began.
        self.done = self.refused = 0

    @property
    def any(self) -> bool:
        """Whether anything was counted since the last take."""
        return bool(self._cells)

    def recorded(self, records: Iterable[Record[Attempt]]) -> None:
        """Count outcomes that Redis has recorded."""
        with self._lock:
            for record in records:
                self.done += 1
                cells = self._cells.get(record.name) or self._cells_of(record.name)
                cells[_CELL_OF[record.status]] += 1
                times = record.attempt.times
                if times is not None and times.started is not None:
                    _add_times(cells, record.attempt, times.started, times.finished)

    def refuse(self, count: int) -> None:
        """Count outcomes that Redis refused: the attempts were not current any more."""
        with self._lock:
            self.refused += count

    def retried(self, attempt: Attempt) -> None:
        """Count an attempt that is followed by another."""
        with self._lock:
            self._cells_of(attempt.name)[RETRIED] += 1

    def take(self) -> list[list[str | int]]:
        """Return rows of name, cell (from 1) and amount any number of times; begin anew."""
        with self._lock:
            counted, self._cells = self._cells, {}
        return [[name, *_amounts(cells)] for name, cells in counted.items()]

    def _cells_of(self, name: str) -> list[int]:
        known = name in self._cells or (self._is_known(name) and len(self._cells) < _MOST_NAMES - 1)
        return self._cells.setdefault(name if known else UNKNOWN, [0] * SIZE)

    def _is_known(self, name: str) -> bool:
        return _is_text(name) and (self._known is None or name in self._known)


def _add_times(cells: list[int], attempt: Attempt, started: int, finished: int) -> None:
    run = finished - started if finished > started else 0
    cells[RUN_MS] += run
    cells[RUN + bucket(run)] += 1
    if attempt.number == 1:
        wait = started - attempt.score if started > attempt.score else 0
        cells[WAIT_MS] += wait
        cells[WAIT + bucket(wait)] += 1


def _amounts(cells: list[int]) -> list[int]:
    return [part for cell, n in enumerate(cells, 1) if n for part in (cell, n)]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # JSON cannot write it
        return False
    return True
