"""The pool: who is there, what stands still, and what was left behind."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.durations import show_duration
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo

from .finding import Finding, ok, problem, warning

#: Seconds that the oldest job may wait, and a batch without any that runs.
_LONG, _STUCK = 60.0, 600.0
#: Most names in a line.
_NAMED = 3


def check_pool(
    queue: QueueInfo,
    workers: Sequence[WorkerInfo],
    batches: Sequence[BatchInfo],
    now: datetime,
    version: str,
) -> Iterator[Finding]:
    """Yield findings on one queue; `version` is that of gatherq here."""
    ours = [worker for worker in workers if worker.state != "arq"]
    yield _workers(queue, ours)
    yield from _silent(ours)
    yield from _hindered(ours)
    yield from _versions(ours, version)
    yield from _waiting(queue)
    yield from _unfinished(batches, now)
    yield from _plain_arq(queue)
    if queue.quarantined:
        key = f"redis-cli LRANGE gatherq:quarantine:{queue.name} 0 -1"
        text = f"put aside, since they were no jobs: {queue.quarantined} members of the queue"
        yield warning("quarantine", text, f"{key} shows them: who writes them?")


def _workers(queue: QueueInfo, workers: Sequence[WorkerInfo]) -> Finding:
    alive = [worker for worker in workers if worker.alive]
    if alive:
        places = f", {queue.places:,} places" if queue.places else ""
        noun = "worker" if len(alive) == 1 else "workers"
        return ok("workers", f"{len(alive)} {noun} on {queue.name}{places}")
    hint = f"start one: gatherq worker MODULE --queue {queue.name}"
    if waiting := queue.claimable + queue.held_back:
        text = f"no worker on {queue.name}, and jobs waiting: {waiting:,}"
        return problem("workers", text, hint)
    return warning("workers", f"no worker on {queue.name}", hint)


def _silent(workers: Sequence[WorkerInfo]) -> Iterator[Finding]:
    silent = [worker.name for worker in workers if worker.state == "silent"]
    if silent:
        text = f"{_named(silent)} gives no sign of life"
        hint = "was its machine lost, or stopped? others take its jobs when the lease is over"
        yield warning("silent", text, hint)


def _hindered(workers: Sequence[WorkerInfo]) -> Iterator[Finding]:
    for worker in workers:
        if worker.state == "blocked":
            by = f" by {worker.blocked_by}" if worker.blocked_by else ""
            hint = "a job blocks the loop: make it a plain def, or isolation='process'"
            yield warning("blocked", f"the event loop of {worker.name} is held{by}", hint)
        if worker.abandoned:
            text = f"threads of {worker.name} whose code does not end: {worker.abandoned}"
            yield warning("abandoned", text, "use isolation='process' for such jobs")


def _versions(workers: Sequence[WorkerInfo], version: str) -> Iterator[Finding]:
    found = Counter(worker.version for worker in workers if worker.version)
    others = {each for each in found if each != version}
    if others:
        shown = ", ".join(f"{each} ({count})" for each, count in sorted(found.items()))
        text = f"workers run gatherq {shown}; here is {version or '?'}"
        yield warning("versions", text, "finish the deployment: update those that are behind")


def _waiting(queue: QueueInfo) -> Iterator[Finding]:
    text = f"nothing waits in {queue.name}"
    if queue.claimable:
        oldest = show_duration(queue.waiting)
        text = f"{queue.claimable:,} waiting in {queue.name}, the oldest for {oldest}"
    if queue.held_back:
        text += f"; limits hold back {queue.held_back:,}"
    if queue.workers and queue.waiting > _LONG:
        drain = f" (they drain in {show_duration(queue.drain)})" if queue.drain else ""
        yield warning("waiting", text + drain, "start more workers; gatherq workers shows the load")
    else:
        yield ok("waiting", text)


def _unfinished(batches: Sequence[BatchInfo], now: datetime) -> Iterator[Finding]:
    stuck = [
        batch.id
        for batch in batches
        if batch.left and not batch.running and batch.created and batch.idle_since
        if (now - max(batch.created, batch.idle_since)).total_seconds() > _STUCK
    ]
    if stuck:
        text = f"{_named(stuck)}: not finished, and nothing of it runs"
        yield warning("batches", text, f"gatherq explain {stuck[0]} says why")


def _plain_arq(queue: QueueInfo) -> Iterator[Finding]:
    if not queue.arq:
        return
    held = f", and holds {_named(queue.arq_jobs)}" if queue.arq_jobs else ""
    text = f"a plain arq worker is on {queue.name}{held}"
    yield warning("arq", text, "what it does is not fenced: give it a queue of its own, or stop it")


def check_expiry(queue: str, found: tuple[int, Sequence[str]]) -> Finding:
    """Return what there is to say of keys of ours that never expire."""
    count, names = found
    if not count:
        return ok("expiry", f"all keys but {queue} expire")
    hint = "another program, or redis-cli, has written them: redis-cli EXPIRE KEY SECONDS"
    never = "key never expires" if count == 1 else "keys never expire"
    return warning("expiry", f"{count:,} {never}: {_named(names, count)}", hint)


def _named(names: Sequence[str], count: int | None = None) -> str:
    left = (len(names) if count is None else count) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {left:,} more" if left > 0 else "")
