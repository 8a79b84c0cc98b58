"""Pools of processes, and how they are."""

from time import monotonic
from types import SimpleNamespace

from gatherq_worker.ipc.worker_status import WorkerStatus
from gatherq_worker.supervision.pool_health import PoolHealth, ProcessHealth

#: When a process of `child` is looked at.
NOW = 1_000.0
WELL = ProcessHealth(1, "h.1.a", "q", "running", "", WorkerStatus("running", 1.0))


def child(state="running", *, heard=0.1, silent=0.0, ready=True, endpoint=True, ended=None):
    """Make a process that heard of Redis so many seconds ago; None for never."""
    contact = 0.0 if heard is None else NOW - heard
    return SimpleNamespace(
        process=SimpleNamespace(pid=7),
        worker="host.1.abc",
        endpoint=SimpleNamespace(lease=5.0, queue="q") if endpoint else None,
        ended_for="late" if ended else "",
        ended_at=NOW - ended if ended else 0.0,
        scoreboard=SimpleNamespace(
            ready=ready, status=WorkerStatus(state, contact), silent_for=lambda: silent
        ),
    )


def pool(*children, stopping=False):
    """Look at these processes as they are, a moment ago."""
    seen = PoolHealth.seen(children, NOW, stopping=stopping)
    return seen._replace(at=monotonic())
