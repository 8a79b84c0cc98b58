"""Causes that stand in limits: of the batch, of jobs that share a gate, of places of workers."""

from collections import Counter
from collections.abc import Iterator

from gatherq.escape import escape
from gatherq.inspection.durations import show_duration
from gatherq.inspection.limits.admission import inside_of
from gatherq.inspection.limits.gate_info import GateInfo
from gatherq.inspection.limits.places import LANE, lane_in_words
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.worker_info import WorkerInfo

from .explanation import Cause
from .facts import Facts, GateFacts, counted, names_in_line

#: What a place of a lane is called in the record of a worker.
_PLACES = {"thread": "threads", "process": "processes"}


def max_at_once(facts: Facts) -> Iterator[Cause]:
    """Say that as many of it are at work as may be."""
    most, count = facts.batch.max_at_once, _outside(facts)
    inside = inside_of(facts.batch)
    if count and most is not None and inside >= most:
        running = facts.batch.running
        how = "at work" if running >= inside else f"in the queue or at work, {running:,} run"
        text = (
            f"{counted(count, does='wait')} since max_at_once={most:,} lets no more in: "
            f"{inside:,} {'is' if inside == 1 else 'are'} {how}"
        )
        yield Cause(code="MAX_AT_ONCE", level="slow", text=text)


def max_per_second(facts: Facts) -> Iterator[Cause]:
    """Say that only so many of it start in a second."""
    rate, count = facts.batch.max_per_second, _outside(facts)
    if count and rate:
        text = f"{counted(count, does='wait')} since {_rate(rate)} (max_per_second)"
        if facts.batch.next_start and facts.batch.next_start > facts.now:
            left = (facts.batch.next_start - facts.now).total_seconds()
            text += f", the next in {show_duration(left)}"
        yield Cause(code="MAX_PER_SECOND", level="slow", text=text)


def gates(facts: Facts) -> Iterator[Cause]:
    """Say that jobs wait at a gate, and who is inside."""
    for each in facts.gates:
        text = f"{counted(each.slots, does='wait')} at the gate {escape(each.gate.name)}"
        if reason := _at_gate(each):
            text += f": {reason}"
        yield Cause(code="GATE", level="slow", text=text, command="gatherq queue")


def no_place(facts: Facts) -> Iterator[Cause]:
    """Say that no worker has a place of the kind that jobs need, and which workers have any."""
    lanes = Counter(slot.waits_at for slot in _waiting(facts) if slot.waits_at.startswith(LANE))
    for place, count in lanes.most_common():
        lane = place.removeprefix(LANE)
        names = {slot.name for slot in _waiting(facts) if slot.waits_at == place}
        takers = [worker for worker in facts.alive if _takes(worker, names)]
        text = f"{counted(count, does='wait')} {escape(lane_in_words(lane))}"
        all_ = facts.queue.lanes.get(lane, 0) if facts.queue else 0
        if all_ > count:
            text += f" ({all_:,} jobs in all)"
        if takers:
            told = names_in_line([_taker(worker, lane) for worker in takers])
            text += f"; taken by {told}"
        else:
            text += "; no live worker takes such jobs"
        yield Cause(code="NO_PLACE", level="slow", text=text, command="gatherq workers")


def outside(facts: Facts) -> Iterator[Cause]:
    """Say how many wait until those in the queue have gone on: no reason by itself."""
    count = _outside(facts)
    if count and facts.batch.max_at_once is None and not facts.batch.max_per_second:
        inside = inside_of(facts.batch)
        text = f"{counted(count, does='wait')} behind {inside:,} of this batch in the queue"
        yield Cause(code="WAITING", level="info", text=text)


def _waiting(facts: Facts) -> list[SlotInfo]:
    return facts.of("waiting")


def _outside(facts: Facts) -> int:
    """Return how many of the slots in question are outside of the queue."""
    found = sum(slot.waits_at == "batch" for slot in facts.pending)
    unseen = facts.total - len(facts.pending)
    return found + min(max(facts.batch.outside - found, 0), max(unseen, 0))


def _rate(rate: float) -> str:
    if rate >= 1:
        return f"at most {rate:,.4g} a second start"
    return f"at most one every {show_duration(1 / rate)} starts"


def _at_gate(each: GateFacts) -> str:
    gate = each.gate
    if gate.full:
        return f"it is full, {_inside(gate)}"
    if gate.max_per_second:
        return _rate(gate.max_per_second)
    return ""


def _inside(gate: GateInfo) -> str:
    text = f"{gate.holders:,} of {gate.max_at_once:,}"
    if gate.inside:
        text += f", by {names_in_line(list(gate.inside), gate.holders)}"
    return text


def _takes(worker: WorkerInfo, names: set[str]) -> bool:
    if worker.state == "draining":
        return False
    return worker.handlers is None or not names.isdisjoint(worker.handlers)


def _taker(worker: WorkerInfo, lane: str) -> str:
    places = worker.places.get(_PLACES.get(lane, ""))
    if places is None:
        return worker.name
    busy = sum(job.where == lane for job in worker.jobs)
    return f"{worker.name} ({busy:,} of {places:,} {_PLACES[lane]} busy)"
