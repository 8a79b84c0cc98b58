"""How far a batch is, how fast it goes, and what of it runs."""

import pytest

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.progress.listed_batch import ListedBatch
from gatherq.inspection.progress.pace import rate, remaining
from gatherq.inspection.progress.running_slots import running_slots
from gatherq.inspection.progress.slot_map import Mark, SlotMap
from gatherq.inspection.worker_info import RunningJob, WorkerInfo
from gatherq.store.inspection.completion_records import LATEST, Completion

from .samples import START, at

NOW = START.timestamp() * 1000


def completion(before, slots):
    """Return a completion of so many slots, so many seconds before now."""
    return Completion(b"0-1", int(NOW - before * 1000), [(n, "succeeded") for n in range(slots)])


def test_all_that_ended_since_the_first_start():
    assert rate([completion(1, 10), completion(3, 10)], NOW, at(-4)) == 5


def test_the_latest_of_many():
    latest = [completion(each / 10, 3) for each in range(1, LATEST + 1)]
    assert rate(latest, NOW, at(-3600)) == pytest.approx((LATEST - 1) * 3 / (LATEST / 10))


def test_what_is_not_known():
    assert rate([], NOW, at(-4)) is None
    taken_back = Completion(b"0-1", int(NOW), [(0, "redriven")])
    assert rate([taken_back], NOW, at(-4)) is None
    assert remaining(7, None) is None
    assert remaining(7, 0.0) is None
    assert remaining(7, 2.0) == 3.5


def test_a_cancellation_says_nothing_of_how_fast_workers_are():
    cancelled = completion(1, 0)._replace(slots=[(n, "cancelled") for n in range(400)])
    assert rate([cancelled], NOW, at(-4)) is None
    assert rate([cancelled, completion(3, 10)], NOW, at(-4)) == 2.5


def test_only_what_ended_since_the_last_redrive_counts():
    again = completion(5, 0)._replace(slots=[(0, "redriven"), (1, "redriven")])
    before = [completion(3600, 50), completion(7200, 50)]
    assert rate([completion(1, 4), completion(2, 6), again, *before], NOW, at(-7300)) == 2
    assert rate([completion(1, 10), again, again, *before * LATEST], NOW, at(-7300)) == 2
    assert rate([again, *before], NOW, at(-7300)) is None


def test_a_rate_of_no_time_is_bounded():
    assert rate([completion(0, 1)], NOW, at(0)) == 10


def test_marks_of_slots():
    slots = SlotMap(10)
    slots.add([(0, "succeeded"), (1, "failed"), (4, "succeeded"), (10, "failed"), (10**9, "lost")])
    assert slots.width(5) == 2
    assert slots.marks(5) == [
        Mark(1, True),
        Mark(0, False),
        Mark(0.5, False),
        *[Mark(0, False)] * 2,
    ]
    slots.add([(1, "redriven"), (0, "redriven")])
    assert slots.marks(5)[0] == Mark(0, False)
    assert SlotMap(0).marks(5) == []
    assert SlotMap(3).marks(80) == [Mark(0, False)] * 3


def test_what_runs_of_a_batch():
    jobs = (
        RunningJob(id="b:7", name="f", started=at(-1), limit=2),
        RunningJob(id="b:8", name="f", started=at(-5), limit=2),
        RunningJob(id="b:9"),
        *(RunningJob(id=other) for other in ("bb:1", "b:x", "b", "b:٣", "b:", "b:1:2")),
    )
    found = running_slots("b", [WorkerInfo(name="w", state="running", jobs=jobs)], NOW)
    assert [(each.slot, each.ran, each.share) for each in found] == [
        (8, 5, 1),
        (7, 1, 0.5),
        (9, None, None),
    ]


def test_what_may_not_start_yet_is_not_stuck():
    now = at(100)
    told = {"id": "b", "size": 2, "written": 2, "created": START}

    def stuck(**fields):
        return ListedBatch(BatchInfo(**told, **fields), None, now).stuck

    assert stuck()
    assert not stuck(running=1)
    assert not stuck(starts=at(95))
    assert not stuck(starts=at(200))
    assert not stuck(started=START, next_start=at(95))
    assert stuck(started=START, next_start=at(50))
