"""What the pages of a pool make of what was read."""

from datetime import UTC, datetime, timedelta

from gatherq.contract.statistics import BUCKETS, JobStatistics
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.error_group import ErrorGroup
from gatherq.inspection.worker_info import RunningJob, WorkerInfo
from gatherq_web.pages.pool.jobs import buckets
from gatherq_web.pages.pool.overview import share_of, trouble_of
from gatherq_web.pages.pool.workers import Run, places_of
from gatherq_web.rendering.links import Links

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def ran(seconds, limit):
    return Run(RunningJob(id="b:1", started=NOW - timedelta(seconds=seconds), limit=limit), NOW)


def test_the_time_that_a_job_has_left():
    assert (ran(3, 10.0).ran, ran(3, 10.0).left) == (3.0, 7.0)
    assert ran(30, 10.0).left == 0.0
    assert ran(3, None).left is None
    assert ran(-1, 10.0).ran == 0.0  # a clock that is not Redis's
    unknown = Run(RunningJob(id="b:1", limit=1.0), NOW)
    assert (unknown.ran, unknown.left) == (None, None)


def test_places_by_their_kind():
    jobs = [
        RunningJob(id=f"b:{n}", where=where)
        for n, where in enumerate(["loop", "loop", "", "thread"])
    ]
    places = {"loop": 10, "threads": 4, "processes": 0}
    found = places_of(WorkerInfo(name="w", state="running", places=places, jobs=tuple(jobs)))
    assert [(each.kind, each.taken, each.all) for each in found] == [
        *(("loop", 2, 10), ("thread", 1, 4), ("process", 0, 0)),
    ]
    assert places_of(WorkerInfo(name="w", state="running", places={"jobs": 3}))[0].all == 3
    assert places_of(WorkerInfo(name="w", state="running")) == []


def test_a_histogram_begins_and_ends_with_what_is_there():
    counts = [0] * BUCKETS
    counts[1], counts[3], counts[-1] = 6, 3, 1
    found = buckets(counts)
    assert (found[0].upto, found[-1].upto, len(found)) == ("up to 10ms", "over 5m", BUCKETS - 1)
    assert [(each.height, each.share) for each in found[:3]] == [(1.0, 0.6), (0.0, 0.0), (0.5, 0.3)]
    assert buckets([0] * BUCKETS) == []


def test_errors_of_several_batches_are_one_group():
    new, old = BatchInfo(id="new", size=9), BatchInfo(id="old", size=9)
    same, other = "3fa9c1d2", "77d0e2b1"
    found = trouble_of(
        [new, old],
        [
            [ErrorGroup(signature=same, count=2), ErrorGroup(signature="", count=5)],
            [ErrorGroup(signature=other, count=1), ErrorGroup(signature=same, count=3)],
        ],
    )
    assert [(each.batch.id, each.group.signature, each.count, each.batches) for each in found] == [
        *(("new", same, 5, 2), ("old", other, 1, 1)),
    ]


def test_the_share_of_what_was_bad():
    assert share_of(JobStatistics(succeeded=6, failed=1, timed_out=1, lost=1, cancelled=1)) == 0.3
    assert share_of(JobStatistics()) is None


def test_the_address_of_a_slot_by_the_id_of_its_job():
    links = Links("/ops", "q")
    assert links.slot("nightly:7") == "/ops/batches/nightly/7?queue=q"
    assert links.slot("a:b:7") == "/ops/batches/a%3Ab/7?queue=q"
    for plain in ("arqs", "a:b", ":7", "b:\u0661", "b:"):
        assert links.slot(plain).count("/") == 3
    assert links.on("other").to("workers") == "/ops/workers?queue=other"
