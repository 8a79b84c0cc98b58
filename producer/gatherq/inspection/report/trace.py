"""A batch as a trace in Chrome's format, which Perfetto opens too.

A worker is a process of the trace and each of its lanes a thread. An attempt is a complete event;
before it comes what it waited for, as far as its lane was free. What was never started is an
instant of the queue. Counters tell how many ran and waited.
"""

import json
from collections.abc import Iterator
from math import isnan
from typing import Any

from .batch_report import BatchReport
from .spans import Span

Event = dict[str, Any]
#: Names of colors in Chrome's viewer, by status.
_COLORS = {
    "succeeded": "good",
    "failed": "terrible",
    "timed_out": "bad",
    "cancelled": "grey",
    "lost": "black",
    "died": "black",
}
_WAITING = "grey"
#: The process that stands for the queue.
_QUEUE = 0


def trace_of(report: BatchReport) -> Iterator[str]:
    """Yield the trace as parts of one JSON document."""
    yield '{"displayTimeUnit": "ms", "traceEvents": [\n'
    separator = ""
    for event in events_of(report):
        yield separator + json.dumps(event)
        separator = ",\n"
    yield "\n]}\n"


def events_of(report: BatchReport) -> Iterator[Event]:
    """Yield all events; times are microseconds from the submission."""
    yield from _names(report)
    yield from _attempts(report)
    yield from _never_started(report)
    yield from _counters(report)


def _names(report: BatchReport) -> Iterator[Event]:
    yield _named("process_name", _QUEUE, 0, f"batch {report.batch.id}")
    for worker, (name, height) in enumerate(
        zip(report.columns.workers, report.lanes.heights, strict=True), 1
    ):
        yield _named("process_name", worker, 0, name)
        for lane in range(1, height + 1):
            yield _named("thread_name", worker, lane, f"lane {lane}")


def _named(what: str, process: int, thread: int, name: str) -> Event:
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name}}


def _attempts(report: BatchReport) -> Iterator[Event]:
    statuses, jobs = [*report.columns.statuses], [*report.columns.jobs]
    free, place = 0.0, (-1, -1)
    for span in report.lanes.spans:
        if place != (span.worker, span.lane):
            free, place = 0.0, (span.worker, span.lane)
        since = max(free, span.since)
        if since < span.start:  # false where it is not known since when
            yield _wait(span, since)
        job = jobs[report.columns.job[span.slot]]
        yield _attempt(report, span, job, statuses[span.status])
        free = span.end


def _wait(span: Span, since: float) -> Event:
    name = "waits" if span.attempt == 1 else "waits for another attempt"
    common = {"cat": "waiting", "cname": _WAITING, "args": {"slot": span.slot}}
    return {**_complete(span, name, since, span.start), **common}


def _attempt(report: BatchReport, span: Span, name: str, status: str) -> Event:
    columns, slot = report.columns, span.slot
    args = {"slot": slot, "call": columns.call[slot], "status": status, "attempt": span.attempt}
    if span.last and columns.said[slot]:
        args["outcome"] = columns.said[slot]
    event = {**_complete(span, name, span.start, span.end), "cat": status, "args": args}
    return {**event, "cname": _COLORS[status]} if status in _COLORS else event


def _complete(span: Span, name: str, start: float, end: float) -> Event:
    times = {"ts": _micros(start), "dur": _micros(end) - _micros(start)}
    return {"ph": "X", "name": name, "pid": span.worker + 1, "tid": span.lane + 1, **times}


def _never_started(report: BatchReport) -> Iterator[Event]:
    columns = report.columns
    statuses = [*columns.statuses]
    for slot, end in enumerate(columns.end):
        if isnan(columns.start[slot]) and not isnan(end):
            status = statuses[columns.status[slot]]
            args = {"slot": slot, "call": columns.call[slot], "outcome": columns.said[slot]}
            place = {"pid": _QUEUE, "tid": 0, "s": "t"}
            yield {"ph": "i", "name": status, "ts": _micros(end), **place, "args": args}


def _counters(report: BatchReport) -> Iterator[Event]:
    found = report.completions
    for index, (running, queued) in enumerate(zip(found.running, found.queued, strict=True)):
        args = {"running": running, "queued": queued}
        at = {"ts": _micros(index * found.step), "pid": _QUEUE, "tid": 0}
        yield {"ph": "C", "name": "slots", **at, "args": args}


def _micros(ms: float) -> int:
    return round(ms * 1000)
