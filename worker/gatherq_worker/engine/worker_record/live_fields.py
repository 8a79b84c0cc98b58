"""The fields of a worker's record that change: each heartbeat tells them anew."""

import contextlib
import heapq
import json
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gatherq.escape import escape
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.ipc.worker_status import WorkerStatus

from .news import News

if TYPE_CHECKING:
    from gatherq.store.server.outages import OutageLog
    from gatherq_worker.engine.attempts import Attempts
    from gatherq_worker.engine.conclusion.recorder import Recorder
    from gatherq_worker.engine.loop_watch.watchdog import Watchdog
    from gatherq_worker.engine.places.execution_places import ExecutionPlaces

#: Most jobs that are told.
_MOST_JOBS = 100
#: Where Linux says what memory a process has, in pages.
_MEMORY = "/proc/self/statm"
_RUNNING = State.RUNNING
#: The fields that a supervisor is told too, in the order of its status.
_NUMBERS = WorkerStatus._fields[2:]


class LiveFields:
    """Reads the parts of an engine, in the thread of the heartbeat."""

    def __init__(
        self,
        attempts: "Attempts",
        recorder: "Recorder",
        places: "ExecutionPlaces",
        watchdog: "Watchdog",
        news: News,
    ) -> None:
        self._attempts, self._recorder, self._places = attempts, recorder, places
        self._watchdog, self._news = watchdog, news
        #: What tells how often Redis failed the parts of this worker.
        self.outages: Sequence[OutageLog] = ()
        #: Whether the worker takes no more jobs.
        self.draining = False
        self._told: dict[str, str | int] = {}
        #: What was read last, whether or not Redis has heard of it.
        self._last: dict[str, str | int] = {}

    def changes(self) -> dict[str, str | int]:
        """Return the state, and the fields that are not as they were when this was last called."""
        before, self._told = self._told, self.read()
        self._last = self._told
        before.pop("state", None)
        return {name: value for name, value in self._told.items() if before.get(name) != value}

    def tell_all(self) -> None:
        """Have all fields told the next time: what was told may be gone."""
        self._told = {}

    @property
    def runs_as_told(self) -> bool:
        """Whether what was told last is that the worker runs, and that is still so."""
        now = self._state(self._watchdog.blocked_by())
        return self._told.get("state") == now == "running"

    def status(self, contact: float) -> WorkerStatus:
        """Return what was read last, and the state of now; `contact` is as in WorkerStatus."""
        numbers = (max(int(self._last.get(name, 0)), 0) for name in _NUMBERS)
        return WorkerStatus(self._state(str(self._last.get("blocked_by", ""))), contact, *numbers)

    def read(self) -> dict[str, str | int]:
        """Return the fields, by name."""
        running = [a for a in self._attempts.running() if a.state is _RUNNING]
        records, _ = self._recorder.waiting()
        blocked_by = escape(self._watchdog.blocked_by())
        return {
            "seq": self._news.seq,
            "state": self._state(blocked_by),
            "blocked_by": blocked_by,
            "running": len(running),
            "held": self._attempts.claim_count,
            "done": self._news.done,
            "refused": self._news.refused,
            "unrecorded": len(records),
            "lag_ms": round(self._watchdog.lag() * 1000),
            "rss": _memory(),
            "abandoned": self._places.abandoned_threads,
            "redis_errors": sum(log.errors for log in self.outages),
            "jobs": _jobs(running),
        }

    def _state(self, blocked_by: str) -> str:
        if blocked_by:
            return "blocked"
        if self.draining:
            return "draining"
        return "running" if all(log.ok for log in self.outages) else "away"


def _jobs(running: Iterable[Attempt]) -> str:
    """Return the jobs that have run longest, as JSON."""
    oldest = heapq.nsmallest(_MOST_JOBS, running, key=lambda attempt: attempt.started or 0)
    return json.dumps(list(map(_job, oldest)), separators=(",", ":"))


def _job(attempt: Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": attempt.job_id,
        "name": attempt.name,
        "started": attempt.started,
        "limit": attempt.limit,
        "attempt": attempt.number,
        "where": attempt.where,
    }
    if attempt.progress is not None:
        told["progress"] = attempt.progress._asdict()
    return told


def _memory() -> int:
    """Return the bytes of memory that this process has; 0 where nobody says."""
    with contextlib.suppress(OSError, ValueError, IndexError), open(_MEMORY) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
