"""Causes that stand in single slots: what runs, what waits for another attempt."""

from collections.abc import Iterator
from datetime import datetime

from gatherq.escape import escape
from gatherq.inspection.durations import show_duration
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.worker_info import RunningJob

from .explanation import Cause
from .facts import Facts, counted, named

#: A job straggles that runs for so many times what others took, and for so many seconds.
_STRAGGLES, _LEAST = 2.0, 1.0
#: A token of plain arq's has no worker in it.
_NOBODY = ""


def running(facts: Facts) -> Iterator[Cause]:
    """Say what of it runs, and what runs longest."""
    slots = [slot for slot in facts.of("running") if slot.worker != _NOBODY]
    if not slots:
        return
    text = f"{counted(len(slots), does='run')}: {named(slots)}"
    longest = max(_running_jobs(facts), key=lambda job: _age(job, facts.now), default=None)
    if longest is not None and longest.started is not None:
        text += f"; the longest is {_described(longest, facts.now)}"
    yield Cause(code="RUNNING", level="info", text=text, command=f"gatherq watch {facts.batch.id}")


def straggler(facts: Facts) -> Iterator[Cause]:
    """Say that a job runs for much longer than others of its name did."""
    for job in _running_jobs(facts):
        usual, age = facts.usual.get(job.name), _age(job, facts.now)
        if usual is not None and age > max(_LEAST, _STRAGGLES * usual):
            text = (
                f"{_described(job, facts.now)}: of this batch, 99 % of `{escape(job.name)}` took "
                f"at most {show_duration(usual)}"
            )
            command = f"gatherq cancel {escape(job.id)}"
            yield Cause(code="STRAGGLER", level="slow", text=text, command=command)


def back_off(facts: Facts) -> Iterator[Cause]:
    """Say that some of it failed, and waits for its next attempt."""
    slots = [
        slot
        for slot in facts.of("retrying")
        if slot.due and slot.due > facts.now and not slot.abandoned
    ]
    if not slots:
        return
    last = max(slots, key=_due)
    left = show_duration((_due(last) - facts.now).total_seconds())
    text = f"{counted(len(slots), does='wait')} for another attempt, the last one for {left}"
    errors = [info for slot in slots for info in slot.history[-1:] if info.error]
    if errors:
        text += f"; last error: {escape(str(errors[-1].error))[:160]}"
    command = f"gatherq show {last.job_id}"
    yield Cause(code="BACKOFF", level="info", text=text, command=command)


def later(facts: Facts) -> Iterator[Cause]:
    """Say that some of it was deferred."""
    slots = [slot for slot in facts.of("queued") if slot.due and slot.due > facts.now]
    if slots:
        left = (min(map(_due, slots)) - facts.now).total_seconds()
        text = f"{counted(len(slots), does='wait')} for a time, the first for "
        yield Cause(code="DEFERRED", level="info", text=text + show_duration(left))


def alone(facts: Facts) -> Iterator[Cause]:
    """Say that a worker died with a job of it, which may run alone from now on."""
    slots = [
        slot
        for slot in facts.of("running", "retrying", "queued", "waiting")
        if slot.history and slot.history[-1].status == "died"
    ]
    if slots:
        text = (
            f"the last attempt of {counted(len(slots))} ended with its worker: {named(slots)}; "
            "such a job may run alone, until it is known whether it was the cause"
        )
        command = f"gatherq show {slots[0].job_id}"
        yield Cause(code="ALONE", level="info", text=text, command=command)


def plain(facts: Facts) -> Iterator[Cause]:
    """Say that a plain arq worker holds some of it."""
    slots = [slot for slot in facts.of("running") if slot.worker == _NOBODY]
    if slots:
        text = (
            f"{counted(len(slots))} {'is' if len(slots) == 1 else 'are'} held by a plain arq "
            f"worker, which tells nothing: {named(slots)}"
        )
        yield Cause(code="PLAIN", level="slow", text=text)


def queued(facts: Facts) -> Iterator[Cause]:
    """Say what of it waits its turn."""
    slots = [slot for slot in facts.of("queued") if slot.bytes]
    due = [slot for slot in slots if slot.due and slot.due <= facts.now]
    if due:
        first = min(due, key=_due)
        count = max(len(due), min(facts.batch.queued, facts.total))
        text = f"{counted(count)} {'is' if count == 1 else 'are'} queued, the next :{first.slot}"
        yield Cause(code="QUEUED", level="info", text=text)


def _due(slot: SlotInfo) -> datetime:
    assert slot.due is not None
    return slot.due


def _running_jobs(facts: Facts) -> list[RunningJob]:
    """Return what workers say of the slots that run."""
    ids = {slot.job_id for slot in facts.of("running")}
    return [job for worker in facts.workers for job in worker.jobs if job.id in ids]


def _age(job: RunningJob, now: datetime) -> float:
    return (now - job.started).total_seconds() if job.started else 0.0


def _described(job: RunningJob, now: datetime) -> str:
    limit = "" if job.limit is None else f" of {show_duration(job.limit)}"
    progress = ""
    if job.progress is not None:
        total = "" if job.progress.total is None else f" of {job.progress.total:g}"
        progress = f", at {job.progress.done:g}{total} {escape(job.progress.note)}".rstrip()
    slot = job.id.rpartition(":")[2]
    age = show_duration(_age(job, now))
    return f":{slot} {escape(job.name)}, for {age}{limit}{progress}"
