"""What is read of a server and its queues for one scrape."""

from collections.abc import Sequence
from dataclasses import dataclass

from gatherq.inspection.job_info import JobInfo
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """A server as INFO tells of it; what this user may not ask is None or empty."""

    version: str = ""
    eviction_policy: str = ""
    #: Bytes: in use, and at most, 0 for no limit.
    memory: int | None = None
    memory_limit: int | None = None
    #: Keys that it has thrown away for want of memory.
    evicted: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSnapshot:
    """A queue, its workers, and its jobs by name."""

    queue: QueueInfo
    workers: Sequence[WorkerInfo] = ()
    jobs: Sequence[JobInfo] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A server and some of its queues, read one after another."""

    server: ServerInfo = ServerInfo()
    queues: Sequence[QueueSnapshot] = ()
