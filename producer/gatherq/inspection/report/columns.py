"""The slots of a batch as columns: an array for each field, and tables of the texts that recur."""

from array import array
from dataclasses import dataclass, field
from datetime import datetime
from math import nan
from typing import NamedTuple

from gatherq.contract.outcomes import AttemptInfo
from gatherq.inspection.filters import STATUSES
from gatherq.inspection.slot_info import SlotInfo

from .numbering import Numbering
from .texts import said

#: Ms by which a time may be out of a batch's own: clocks of two servers, after a failover.
_SLACK = 60_000.0
#: No worker, no error group.
NONE = -1


class EarlierAttempt(NamedTuple):
    """An attempt before the last one of its slot: numbers in the tables, and ms."""

    slot: int
    worker: int
    start: float
    end: float
    status: int


@dataclass(slots=True, kw_only=True)
class Columns:
    """Slot *i* is at index *i* of every array; times are ms from the submission, nan for none."""

    #: What the numbers in `status`, `worker` and `job` stand for.
    statuses: Numbering = field(default_factory=lambda: Numbering(STATUSES))
    workers: Numbering = field(default_factory=Numbering)
    jobs: Numbering = field(default_factory=Numbering)
    status: "array[int]" = field(default_factory=lambda: array("i"))
    worker: "array[int]" = field(default_factory=lambda: array("i"))
    job: "array[int]" = field(default_factory=lambda: array("i"))
    attempts: "array[int]" = field(default_factory=lambda: array("i"))
    #: When it was queued, when its last attempt began, and when that ended.
    wait: "array[float]" = field(default_factory=lambda: array("d"))
    start: "array[float]" = field(default_factory=lambda: array("d"))
    end: "array[float]" = field(default_factory=lambda: array("d"))
    #: The call, and the value or the error, each cut to a line.
    call: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    earlier: list[EarlierAttempt] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.status)


class ColumnWriter:
    """Writes slots into columns, one after the other."""

    def __init__(self, begin: datetime, now: datetime) -> None:
        self.columns: Columns = Columns()
        self._begin, self._span = begin, (now - begin).total_seconds() * 1000

    def add(self, slot: SlotInfo, started: datetime | None = None) -> None:
        """Add the next slot; `started` is when the attempt began that runs now."""
        columns = self.columns
        columns.earlier += [self._earlier(info) for info in slot.earlier]
        columns.status.append(columns.statuses[slot.status])
        columns.worker.append(self._worker(slot.worker))
        columns.job.append(columns.jobs[slot.name])
        columns.attempts.append(min(slot.attempt, 2**31 - 1))
        columns.wait.append(self._ms(slot.enqueued))
        columns.start.append(self._ms(slot.started or started))
        columns.end.append(self._ms(slot.finished))
        columns.call.append(slot.call)
        columns.said.append(said(slot))

    def _earlier(self, info: AttemptInfo) -> EarlierAttempt:
        return EarlierAttempt(
            slot=len(self.columns),
            worker=self._worker(info.worker),
            start=self._ms(info.started),
            end=self._ms(info.finished),
            status=self.columns.statuses[info.status],
        )

    def _worker(self, name: str) -> int:
        return self.columns.workers[name] if name else NONE

    def _ms(self, time: datetime | None) -> float:
        """Return ms from the submission; what is far out of the batch counts as not given."""
        if time is None:
            return nan
        ms = (time - self._begin).total_seconds() * 1000
        return max(ms, 0.0) if -_SLACK <= ms <= self._span + _SLACK else nan
