"""Jobs that wait where nobody comes: calls that no worker knows, and queues without a worker."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gatherq.contract.checks.near_match import near_matches
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo

from .finding import Finding, warning

#: Most names in a line.
_NAMED = 3


def check_handlers(
    queue: QueueInfo, workers: Sequence[WorkerInfo], waiting: Sequence[str]
) -> Iterator[Finding]:
    """Yield what to say of jobs that wait and no live worker knows; `waiting` are their names."""
    alive = [worker for worker in workers if worker.alive and worker.state != "arq"]
    handlers = [worker.handlers for worker in alive if worker.handlers is not None]
    if not alive or queue.arq or len(handlers) < len(alive):  # somebody may know them
        return
    known = frozenset[str]().union(*handlers)
    unknown = Counter(name for name in waiting if name not in known)
    if unknown:
        near = near_matches(min(unknown), sorted(known), 1)
        meant = f" (did you mean {near[0]}?)" if near and len(unknown) == 1 else ""
        text = f"waiting in {queue.name}, and known to no live worker: {_counted(unknown)}{meant}"
        hint = f"start a worker that has them: gatherq worker MODULE --queue {queue.name}"
        yield warning("handlers", text, hint)


def check_others(queues: Sequence[QueueInfo]) -> Iterator[Finding]:
    """Yield what to say of other queues: jobs wait there, and no worker is there."""
    left = {
        queue.name: queue.claimable + queue.held_back
        for queue in queues
        if queue.claimable + queue.held_back and not queue.workers and not queue.arq
    }
    if left:
        text = f"jobs waiting on other queues that have no worker: {_counted(left)}"
        hint = f"start one: gatherq worker MODULE --queue {min(left)}; or was another queue meant?"
        yield warning("elsewhere", text, hint)


def _counted(counts: Mapping[str, int]) -> str:
    shown = [f"{name} ({count:,})" for name, count in sorted(counts.items())]
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return ", ".join(shown[:_NAMED]) + more
