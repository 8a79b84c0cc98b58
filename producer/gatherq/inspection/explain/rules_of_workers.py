"""Causes that stand in the workers, and in the queue before them."""

from collections import Counter
from collections.abc import Iterator

from gatherq.contract.checks.near_match import near_matches
from gatherq.contract.records import UNKNOWN
from gatherq.escape import escape
from gatherq.inspection.durations import show_duration
from gatherq.inspection.worker_info import WorkerInfo

from .explanation import Cause, Level
from .facts import Facts, by_name, counted, named

#: Share of the places above which workers count as busy: a moment's gap between two jobs is none.
_BUSY = 0.95


def no_workers(facts: Facts) -> Iterator[Cause]:
    """Say that nobody is there to run it."""
    plain = facts.queue is not None and facts.queue.arq
    if facts.alive or plain or not facts.idle:
        return
    queue = escape(facts.batch.queue)
    silent = [worker for worker in facts.workers if worker.state == "silent"]
    text = f"no worker is on queue {queue}"
    if silent:
        ago = min(worker.age or 0 for worker in silent)
        text += f"; the last sign of one was {show_duration(ago)} ago"
    others = [_with_count(name, count) for name, count in facts.elsewhere.items()]
    if others:
        text += f"; other queues have some: {', '.join(others)}"
    command = f"gatherq worker MODULE --queue {queue}"
    yield Cause(code="NO_WORKERS", level="stuck", text=text, command=command)


def no_handler(facts: Facts) -> Iterator[Cause]:
    """Say that workers are there, and none knows the name of a job."""
    telling = [worker.handlers for worker in facts.alive if worker.handlers is not None]
    if not facts.alive or len(telling) < len(facts.alive):
        return
    known = frozenset[str]().union(*telling)
    plain = facts.queue is not None and facts.queue.arq
    for name, count in by_name(facts.idle):
        if name not in known and name != UNKNOWN:
            near = near_matches(name, sorted(known), 1)
            hint = f"; did you mean `{escape(near[0])}`?" if near else ""
            text = f"{counted(count, does='call')} `{escape(name)}`, which {_nobody(facts)}{hint}"
            if plain:
                text += "; a plain arq worker that is about may"
            command = f"gatherq cancel {facts.batch.id} job:{escape(name)}"
            level: Level = "slow" if plain else "stuck"
            yield Cause(code="NO_HANDLER", level=level, text=text, command=command)


def behind(facts: Facts) -> Iterator[Cause]:
    """Say that other jobs stand before it."""
    due = [slot for slot in facts.of("queued") if slot.due and slot.due <= facts.now]
    if not facts.ahead or not due or facts.queue is None:
        return
    text = f"{counted(facts.ahead, 'job', 'stand')} before it in {escape(facts.queue.name)}"
    if facts.queue.rate:
        text += (
            f"; at {facts.queue.rate:,.0f}/s that takes "
            f"about {show_duration(facts.ahead / facts.queue.rate)}"
        )
    yield Cause(code="BEHIND", level="slow", text=text, command="gatherq queue")


def saturated(facts: Facts) -> Iterator[Cause]:
    """Say that all places are taken, and by what."""
    places = [worker.capacity or 0 for worker in facts.alive]
    running = sum(worker.running for worker in facts.alive)
    if not facts.of("queued") or not sum(places) or running < _BUSY * sum(places):
        return
    text = f"{running:,} of {sum(places):,} places are taken"
    names = Counter(job.name for worker in facts.alive for job in worker.jobs).most_common(1)
    shown = sum(len(worker.jobs) for worker in facts.alive)
    if names and shown:
        name, count = names[0]
        text += f", {count / shown:.0%} of them by `{escape(name)}`"
    yield Cause(code="SATURATED", level="slow", text=text, command="gatherq workers")


def silent(facts: Facts) -> Iterator[Cause]:
    """Say that a worker with slots of it is silent, and when others take these over."""
    for name in dict.fromkeys(slot.worker for slot in facts.of("running") if slot.worker):
        worker = facts.worker(name)
        if worker is not None and worker.state != "silent":
            continue
        held = [slot for slot in facts.of("running") if slot.worker == name]
        ends = max((slot.due for slot in held if slot.due), default=facts.now)
        left = (ends - facts.now).total_seconds()
        ago = "is gone" if worker is None else f"is silent since {show_duration(worker.age or 0)}"
        text = f"worker {escape(name)}, which holds {named(held)}, {ago}"
        yield Cause(code="SILENT", level="slow", text=text, command=_look_at(name))
        soon = f"in {show_duration(left)}" if left > 0 else "now"
        text = f"{counted(len(held))} of it may be taken over {soon}, when the lease is over"
        yield Cause(code="RECLAIM", level="slow", text=text)


def reclaim(facts: Facts) -> Iterator[Cause]:
    """Say that workers are gone whose claims are over, and when their jobs are claimed again."""
    slots = [slot for slot in facts.of("retrying") if slot.abandoned]
    if not slots:
        return
    last = max((slot.due for slot in slots if slot.due), default=facts.now)
    left = (last - facts.now).total_seconds()
    again = f"claimed again in {show_duration(left)}" if left > 0 else "they may be claimed again"
    text = f"{counted(len(slots), does='wait')}, {named(slots)}: their worker is gone; {again}"
    yield Cause(code="RECLAIM", level="slow", text=text)


def blocked(facts: Facts) -> Iterator[Cause]:
    """Say that a job holds the event loop of a worker."""
    for worker in _holders(facts, "blocked"):
        by = f" by {escape(worker.blocked_by)}" if worker.blocked_by else ""
        late = f", {show_duration(worker.lag)} late" if worker.lag else ""
        text = f"the event loop of worker {escape(worker.name)} is held{by}{late}: its jobs wait"
        yield Cause(
            code="BLOCKED",
            level="slow",
            text=text,
            command=_look_at(worker.name),
        )


def draining(facts: Facts) -> Iterator[Cause]:
    """Say that workers take no more jobs."""
    leaving = [worker for worker in facts.alive if worker.state == "draining"]
    if leaving and len(leaving) == len(facts.alive) and facts.idle:
        drain = counted(len(leaving), "worker", "drain")
        text = f"{drain}, taking no more jobs, and no other is there"
        yield Cause(code="DRAINING", level="stuck", text=text, command="gatherq workers")
    elif leaving:
        text = f"{len(leaving)} of {len(facts.alive)} workers drain, and take no more jobs"
        yield Cause(code="DRAINING", level="info", text=text, command="gatherq workers")


def away(facts: Facts) -> Iterator[Cause]:
    """Say that a worker has no answers from Redis."""
    for worker in _holders(facts, "away"):
        text = (
            f"worker {escape(worker.name)} had no answers from Redis for a while: it runs on, "
            "and records when it has them again"
        )
        yield Cause(code="AWAY", level="slow", text=text, command=_look_at(worker.name))


def _holders(facts: Facts, state: str) -> list[WorkerInfo]:
    """Return workers in a state that hold slots of the batch; all, where some of it waits."""
    holding = {slot.worker for slot in facts.of("running")}
    return [
        worker
        for worker in facts.workers
        if worker.state == state and (worker.name in holding or facts.idle)
    ]


def _look_at(worker: str) -> str:
    return f"gatherq workers {escape(worker)}"


def _nobody(facts: Facts) -> str:
    count = len(facts.alive)
    return f"none of {count} workers knows" if count > 1 else "the worker that is there cannot run"


def _with_count(queue: str, count: int | None) -> str:
    return escape(queue) if count is None else f"{escape(queue)} {count}"
