"""A queue with all that can be told of one."""

from gatherq.contract.statistics import BUCKETS, JobStatistics
from gatherq.inspection.job_info import JobInfo
from gatherq.inspection.metrics.snapshot import QueueSnapshot, ServerInfo, Snapshot
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo

#: Two ran for up to 5 ms, one for up to a second, one for more than 300 s; one waited for 10 ms.
RUN = (2, *(0,) * 8, 1, *(0,) * (BUCKETS - 11), 1)
WAIT = (0, 1, *(0,) * (BUCKETS - 2))
COUNTED = JobStatistics(1, 2, 3, 4, 5, retried=6, run_ms=400_500, wait_ms=10, run=RUN, wait=WAIT)
WORKER = WorkerInfo(
    name="host.1",
    state="running",
    host="host",
    version="0.1",
    python="3.13",
    places={"loop": 100},
    running=3,
    held=4,
    done=50,
    refused=6,
    unrecorded=1,
    lag=0.25,
    memory=1024,
    abandoned=2,
    redis_errors=7,
)
QUEUE = QueueSnapshot(
    queue=QueueInfo(name="q", claimable=7, running=2, deferred=12, waiting=1.5, quarantined=1),
    workers=[WORKER, WorkerInfo(name="host.2", state="silent", done=9)],
    jobs=[JobInfo(name="fetch", statistics=COUNTED)],
)
SERVER = ServerInfo(
    version="7.4", eviction_policy="noeviction", memory=100, memory_limit=0, evicted=3
)
FOUND = Snapshot(server=SERVER, queues=[QUEUE])
