"""What the script of the page reads: arrays, and tables of what their numbers stand for."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby
from math import isnan
from typing import Any

from .batch_report import BatchReport
from .columns import EarlierAttempt
from .error_groups import SlotGroup
from .run_times import RunTimes
from .spans import Span


def data_of(report: BatchReport) -> dict[str, Any]:
    """Return values of JSON's types; times are ms from the submission, null for none."""
    columns = report.columns
    return {
        "batch": report.batch.id,
        "begin": report.begin.timestamp() * 1000,
        "span": _whole(report.span),
        "finished": not report.batch.left,
        "statuses": [*columns.statuses],
        "workers": [*columns.workers],
        "jobs": [*columns.jobs],
        "status": [*columns.status],
        "worker": [*columns.worker],
        "job": [*columns.job],
        "attempts": [*columns.attempts],
        "wait": _wholes(columns.wait),
        "start": _wholes(columns.start),
        "end": _wholes(columns.end),
        "call": columns.call,
        "said": columns.said,
        "group": [*report.group_of_slot],
        "groups": [_group(group) for group in report.groups],
        "earlier": [_earlier(each) for each in columns.earlier],
        "lanes": [*_lanes(report.lanes.spans)],
        "completions": {
            "step": report.completions.step,
            "ended": report.completions.ended,
            "running": report.completions.running,
            "queued": report.completions.queued,
        },
    }


def as_json(data: Mapping[str, Any]) -> str:
    """Return data as JSON; written a value at a time, so that other threads run in between."""
    parts = (
        f'"{name}":{json.dumps(value, separators=(",", ":"), allow_nan=False)}'
        for name, value in data.items()
    )
    return "{" + ",".join(parts) + "}"


def run_times(report: BatchReport) -> list[list[Any]]:
    """Return a row for each job: name, slots, ms of p50, p95, p99, max and wait p95, retries."""
    return [[each.job, each.slots, *_times(each), each.retries] for each in report.run_times]


def _lanes(spans: Iterable[Span]) -> Iterator[list[Any]]:
    """Yield each lane: its worker, then slot and attempt of each span in turn, 0 for the last."""
    for (worker, _), lane in groupby(spans, key=lambda span: (span.worker, span.lane)):
        pairs = ((span.slot, 0 if span.last else span.attempt) for span in lane)
        yield [worker, [*chain.from_iterable(pairs)]]


def _earlier(found: EarlierAttempt) -> list[int | None]:
    slot, worker, start, end, status = found
    return [slot, worker, _whole(start), _whole(end), status]


def _group(group: SlotGroup) -> dict[str, Any]:
    return {
        "signature": group.signature,
        "text": group.text,
        "traceback": group.traceback,
        "slot": group.slots[0],
    }


def _times(found: RunTimes) -> list[int | None]:
    return _wholes((found.p50, found.p95, found.p99, found.longest, found.wait))


def _whole(ms: float) -> int | None:
    return None if isnan(ms) else round(ms)


def _wholes(values: Iterable[float]) -> list[int | None]:
    return [*map(_whole, values)]
