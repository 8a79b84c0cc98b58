"""The timetable: which runs of scheduled jobs are due, by a clock that is told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gatherq.contract.scheduling.schedules import Schedule, run_id
from gatherq.contract.values import codec
from gatherq.store.cron import TOO_LATE, CronRun
from gatherq_worker.registry import Handler

#: For how long, in ms, the data of a run that is due stays: as arq's.
_KEEP = 86_400_000


@dataclass(slots=True)
class _Entry:
    """One schedule of a job, and when it is due next, in ms; None before the first look."""

    name: str
    schedule: Schedule
    next: int | None = None


class Timetable:
    """The schedules of all jobs of a worker. Times are in ms of Redis's clock."""

    def __init__(self, handlers: Iterable[Handler], queue: str) -> None:
        self._queue = queue
        self._entries = [
            _Entry(handler.name, schedule) for handler in handlers for schedule in handler.schedules
        ]

    def __len__(self) -> int:
        return len(self._entries)

    def due(self, now: int) -> Iterator[CronRun]:
        """Yield the runs that are to be queued now; one is due until the next is asked for.

        What was missed before the first look is none of them. Of several that were missed since,
        the first stands for all.
        """
        for entry in self._entries:
            if entry.next is None or entry.next < now - TOO_LATE:
                entry.next = entry.schedule.next_after(now)
            if entry.next <= now:
                yield _run(entry.name, run_id(entry.name, self._queue, entry.next), now)
                entry.next = entry.schedule.next_after(now)

    def wait(self, now: int) -> float:
        """Return the seconds until a run is due; inf if there are no schedules."""
        times = [entry.next for entry in self._entries if entry.next is not None]
        return max(min(times) - now, 0) / 1000 if times else float("inf")


def _run(name: str, id_: str, now: int) -> CronRun:
    call: dict[str, Any] = {"f": name, "a": (), "k": {}, "t": None, "timeout": None, "et": now}
    return CronRun(id_, id_, codec.encode(call), now, _KEEP)
