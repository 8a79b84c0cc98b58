"""Attempts in lanes: as few lanes as there were jobs at a time, and no overlap in any."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from gatherq.inspection.progress.running_slots import RunningSlot
from gatherq.inspection.report.spans import free_lanes
from gatherq.inspection.worker_info import RunningJob

from .slots import at, attempt, every_kind, failed, lost, pending, report_of, succeeded


def overlaps(lanes, times):
    rows = {}
    for lane, time in zip(lanes, times, strict=True):
        rows.setdefault(lane, []).append(time)
    return sum(b[0] < a[1] for row in rows.values() for a, b in pairwise(sorted(row)))


@pytest.mark.parametrize("seed", range(20))
def test_there_are_as_many_lanes_as_ran_at_a_time_and_none_overlaps(seed):
    random = Random(seed)
    starts = sorted(random.randrange(1000) for _ in range(300))
    times = [(start, start + random.randrange(60)) for start in starts]
    lanes = free_lanes(times)
    assert overlaps(lanes, times) == 0
    most = max(sum(a <= at < b for a, b in times) for at in range(1100))
    assert max(lanes) + 1 <= most + sum(a == b for a, b in times)


def test_the_first_free_lane_is_taken():
    assert free_lanes([(0, 5), (1, 2), (2, 9), (5, 6), (5, 7)]) == [0, 1, 1, 0, 2]


async def test_an_attempt_waits_from_its_queueing_or_from_the_end_of_the_one_before():
    history = [attempt(1, 1.0, 1.5), attempt(2, 2.0, 2.25, worker="w2")]
    report = await report_of(failed(0, 3.0, 4.0, history=history))
    spans = sorted(report.lanes.spans, key=lambda span: span.attempt)
    assert [(span.since, span.start, span.end, span.last) for span in spans] == [
        (0, 1000, 1500, False),
        (1500, 2000, 2250, False),
        (2250, 3000, 4000, True),
    ]
    assert [[*report.columns.workers][span.worker] for span in spans] == ["w1", "w2", "w1"]


async def test_the_last_attempt_of_a_lost_slot_is_there_once():
    history = [attempt(1, 1.0, 1.5, status="died"), attempt(2, 2.0, 2.25, status="died")]
    slot = replace(lost(0, 2.0, 2.25, history=history), attempt=2)
    spans = sorted((await report_of(slot)).lanes.spans, key=lambda span: span.attempt)
    assert [(span.start, span.last) for span in spans] == [(1000, False), (2000, True)]


async def test_what_runs_still_goes_on_to_now():
    told = RunningSlot(slot=0, worker="w1", job=RunningJob(id="b:0", started=at(2)))
    slot = pending(0, "running", worker="w1", attempt=1)
    report = await report_of(slot, now=9.0, running=[told])
    (span,) = report.lanes.spans
    assert (span.start, span.end) == (2000, 9000)


async def test_what_runs_since_an_unknown_time_has_no_span():
    report = await report_of(pending(0, "running", worker="w1", attempt=1))
    assert report.lanes.spans == []


async def test_an_end_before_its_start_is_none():
    report = await report_of(succeeded(0, 3.0, 1.0))
    (span,) = report.lanes.spans
    assert (span.start, span.end) == (3000, 3000)


async def test_every_worker_knows_how_many_lanes_it_has():
    report = await report_of(*every_kind())
    assert dict(zip(report.columns.workers, report.lanes.heights, strict=True)) == {
        "w1": 3,
        "w2": 2,
    }
