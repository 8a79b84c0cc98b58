"""What there is, as objects of JSON: names are those of the attributes, times ISO 8601 in UTC."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from gatherq.contract.outcomes import (
    AnyOutcome,
    AttemptInfo,
    Cancelled,
    Failed,
    Lost,
    Succeeded,
    TimedOut,
)
from gatherq.contract.statistics import BOUNDS, JobStatistics

from .batch_info import BatchInfo
from .error_group import ErrorGroup
from .event_info import EventInfo
from .job_info import JobInfo, StatisticsPeriod
from .limits.gate_info import GateInfo
from .phases import Phase
from .progress.batch_progress import BatchProgress
from .progress.running_slots import RunningSlot
from .queue_info import QueueInfo
from .slot_info import SlotInfo
from .worker_info import WorkerInfo

Record = dict[str, Any]


def batch_record(batch: BatchInfo) -> Record:
    """Return a batch with its state and the counts that follow from others."""
    derived = ("id", "state", "finished", "bad", "queued", "waiting", "left")
    names = [*derived, *(each.name for each in fields(batch))]
    return _record({name: getattr(batch, name) for name in names})


def slot_record(slot: SlotInfo) -> Record:
    """Return a slot; of its outcome, what belongs to its status: value, error, which, by."""
    record: Record = {
        "batch": slot.batch,
        "slot": slot.slot,
        "status": slot.status,
        "job_id": slot.job_id,
        "name": slot.name,
        "args": slot.args,
        "kwargs": slot.kwargs,
        "attempt": slot.attempt,
        "worker": slot.worker,
        "enqueued": slot.enqueued,
        "started": slot.started,
        "finished": slot.finished,
        **_outcome(slot.outcome),
    }
    if slot.outcome is None:
        record["due"] = slot.due
    if slot.waits_at:
        record["waits_at"] = slot.waits_at
    if slot.arq_id:
        record["arq"] = True
    if slot.unread:
        record["unread"] = slot.unread
    if slot.signature:
        record["signature"] = slot.signature
    if slot.history:
        record["history"] = [_attempt(info) for info in slot.history]
    return _record(record)


def outcome_record(slot: int, outcome: AnyOutcome) -> Record:
    """Return an outcome, as far as a program needs it that has the calls."""
    what = {"slot": slot, "status": outcome.status, "job_id": outcome.job_id}
    return _record({**what, **_outcome(outcome)})


def worker_record(worker: WorkerInfo) -> Record:
    """Return a worker with what it runs."""
    return _attributes(worker)


def queue_record(queue: QueueInfo) -> Record:
    """Return a queue, how many jobs need workers, and in how many seconds it drains."""
    derived = ("in_lanes", "at_gates", "held_back", "demand", "drain")
    return {**_attributes(queue), **{name: getattr(queue, name) for name in derived}}


def gate_record(gate: GateInfo) -> Record:
    """Return a gate with its limits, and how many are inside and wait."""
    return {**_attributes(gate), "full": gate.full}


def event_record(event: EventInfo) -> Record:
    """Return an event with all that it says."""
    return _attributes(event)


def job_record(job: JobInfo) -> Record:
    """Return a job with who serves it, and what was counted of it."""
    return {**_attributes(job), "statistics": statistics_record(job.statistics)}


def period_record(period: StatisticsPeriod) -> Record:
    """Return what was counted in a minute or an hour, of all jobs and of each."""
    jobs = {name: statistics_record(each) for name, each in period.jobs.items()}
    record = {"start": period.start, "seconds": period.seconds, "jobs": jobs}
    return {**_record(record), **statistics_record(period.statistics)}


def statistics_record(statistics: JobStatistics) -> Record:
    """Return counts, and the seconds within which a share of the jobs ran, and waited."""
    counts = ("succeeded", "failed", "timed_out", "cancelled", "lost", "retried", "ended")
    record: Record = {name: getattr(statistics, name) for name in counts}
    for share in (50, 95, 99):
        record[f"run_p{share}"] = _bounded(statistics.quantile(share / 100, "run"))
        record[f"wait_p{share}"] = _bounded(statistics.quantile(share / 100, "wait"))
    return record


def _bounded(seconds: float | None) -> float | None:
    """Return what JSON can say: what took longer than the last bound counts as that."""
    return None if seconds is None else min(seconds, BOUNDS[-1])


def error_record(group: ErrorGroup) -> Record:
    """Return an error group."""
    return _attributes(group)


def phase_record(phase: Phase) -> Record:
    """Return a phase of a slot."""
    return _attributes(phase)


def running_record(running: RunningSlot) -> Record:
    """Return what a worker says it runs."""
    progress = running.job.progress
    return _record(
        {
            "slot": running.slot,
            "name": running.job.name,
            "attempt": running.job.attempt,
            "worker": running.worker,
            "where": running.job.where,
            "started": running.job.started,
            "ran": running.ran,
            "limit": running.job.limit,
            "progress": progress and _attributes(progress),
        }
    )


def progress_record(progress: BatchProgress) -> Record:
    """Return how far a batch is: the batch, and what follows from two looks at it."""
    record = {
        **batch_record(progress.batch),
        "rate": progress.rate,
        "remaining": progress.remaining,
        "away": progress.away,
    }
    return _record(record)


def _outcome(outcome: AnyOutcome | None) -> Record:
    match outcome:
        case Succeeded(value):
            return {"value": value}
        case Failed(error):
            return {"error": error.model_dump(mode="json")}
        case TimedOut(which, limit):
            return {"which": which, "limit": limit}
        case Cancelled(by):
            return {"by": by}
        case Lost(attempts):
            return {"attempts": attempts}
        case _:
            return {}


def _attempt(info: AttemptInfo) -> Record:
    return info.model_dump(mode="json")


def _record(values: Record) -> Record:
    return {name: _plain(value) for name, value in values.items()}


def _attributes(value: Any) -> Record:
    return _record({each.name: getattr(value, each.name) for each in fields(value)})


def _plain(value: Any) -> Any:
    """Return a value of JSON's types: times as texts."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if is_dataclass(value):
        return _attributes(value)
    return value
