"""How the processes of one supervisor are, at the time of a look: what probes are told.

Alive is a worker that needs no help from outside: its supervisor replaces what dies or hangs, and
Redis is waited for. Ready is one of which some process takes jobs.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gatherq_worker.ipc.worker_status import WorkerStatus

from .worker_process import WorkerProcess

#: Seconds without a look, or after the end of a process that does not go: nothing mends that here.
_TOO_LONG = 10.0
#: Seconds without a sign of life that are worth a word.
_SILENT = 1.0
#: What a state says of why no jobs are taken.
_WHY = {
    "draining": "it is told to stop, or to be replaced",
    "blocked": "a job holds its event loop",
    "away": "what it asks of Redis fails",
}


class ProcessHealth(NamedTuple):
    """One worker process."""

    pid: int
    worker: str
    #: Empty before the process has told it.
    queue: str
    #: As in the record of a worker; starting, silent and ending besides.
    state: str
    #: Why it takes no jobs; empty where it takes some.
    why: str
    status: WorkerStatus
    #: For how many seconds it has not gone after it was killed; 0 where it was not.
    ending_for: float = 0.0

    def __str__(self) -> str:
        return f"process {self.pid}: {self.state}" + (f", {self.why}" if self.why else "")


class PoolHealth(NamedTuple):
    """All processes, and the supervisor itself."""

    #: `time.monotonic()` of the look.
    at: float
    processes: tuple[ProcessHealth, ...] = ()
    stopping: bool = False

    @classmethod
    def seen(cls, children: Iterable[WorkerProcess], now: float, *, stopping: bool) -> "PoolHealth":
        """Look at worker processes; `now` is `time.monotonic()`."""
        return cls(now, tuple(sorted(_seen(child, now) for child in children)), stopping)

    def dead(self, now: float) -> str:
        """Say why this worker should be ended and started anew; empty for one that is alive."""
        if self.stopping:
            return ""  # whoever stops it has a limit of their own
        if (silence := now - self.at) > _TOO_LONG:
            return f"the supervisor has not looked at its processes for {silence:.0f} s"
        left = [each for each in self.processes if each.ending_for > _TOO_LONG]
        return "; ".join(
            f"process {p.pid} is there {p.ending_for:.0f} s after its end" for p in left
        )

    def unready(self, now: float) -> str:
        """Say why no process takes jobs; empty where one does."""
        if dead := self.dead(now):
            return dead
        if self.stopping:
            return "it is told to stop"
        return "" if any(not each.why for each in self.processes) else "no process takes jobs"


def _seen(child: WorkerProcess, now: float) -> ProcessHealth:
    endpoint, status = child.endpoint, child.scoreboard.status
    state, why = _state(child, status, endpoint.lease if endpoint else 0.0, now)
    queue = endpoint.queue if endpoint else ""
    ending = now - child.ended_at if child.ended_for else 0.0
    return ProcessHealth(child.process.pid, child.worker, queue, state, why, status, ending)


def _state(child: WorkerProcess, status: WorkerStatus, lease: float, now: float) -> tuple[str, str]:
    """Return the state of a process, and why it takes no jobs."""
    if child.ended_for:
        return "ending", "a job held its interpreter"
    if not child.scoreboard.ready:
        return "starting", "it imports its modules, or waits for Redis"
    if (silence := child.scoreboard.silent_for()) > _SILENT:
        return "silent", f"its interpreter is held for {silence:.0f} s"
    if not status.contact:
        return "starting", "Redis has not answered yet"
    if (silence := now - status.contact) > lease:
        return "away", f"no answer from Redis for {silence:.0f} s"
    return status.state, _WHY.get(status.state, "")
