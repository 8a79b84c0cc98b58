"""What a queue says of itself."""

from datetime import UTC, datetime

from gatherq.inspection.queue_info import QueueInfo, read_queue
from gatherq.inspection.worker_info import WorkerInfo
from gatherq.store.inspection.queue_records import QueueFields

NOW = 1_795_000_000_000.0
FOUND = QueueFields(
    now=NOW,
    due=7,
    first=NOW - 1500,
    coming=[("b:1", NOW + 5000), ("b:2", NOW + 6000.5), ("x", NOW + 7000), ("y", NOW + 9000.5)],
    later=14,
    tokens=[b"w:1:1", None, b"1", None],
    quarantined=2,
    health=True,
)


def test_what_waits_what_runs_and_what_is_to_come():
    queue = read_queue("q", FOUND, [], None)
    assert (queue.claimable, queue.running, queue.deferred, queue.quarantined) == (7, 2, 12, 2)
    assert queue.demand == 9
    assert queue.next_deferred == datetime.fromtimestamp((NOW + 6000.5) / 1000, UTC)
    assert queue.oldest == datetime.fromtimestamp((NOW - 1500) / 1000, UTC)
    assert queue.waiting == 1.5


def test_a_lane_that_counts_what_has_ended_counts_no_more_than_is_parked():
    found = FOUND._replace(parked=5, lanes=[("process", 7), ("thread", 0)])
    queue = read_queue("q", found, [], None)
    assert (queue.in_lanes, queue.at_gates, queue.lanes) == (5, 0, {"process": 7})
    assert queue.demand == 9 + 5


def test_plain_arq_workers_are_seen_by_what_they_hold_or_by_their_health_key():
    worker = WorkerInfo(name="w", state="running")
    assert read_queue("q", FOUND, [worker], None).arq_jobs == ("x",)
    assert read_queue("q", FOUND, [worker], None).arq
    none = FOUND._replace(tokens=[None] * 4)
    assert read_queue("q", none, [], None).arq
    assert not read_queue("q", none, [worker], None).arq  # ours writes that key too
    assert not read_queue("q", none._replace(health=False), [], None).arq


def test_workers_count_while_they_are_heard_and_places_where_all_tell():
    told = WorkerInfo(name="a", state="running", places={"jobs": 10})
    gone = WorkerInfo(name="b", state="silent", places={"loop": 10})
    untold = WorkerInfo(name="c", state="running")
    queue = read_queue("q", FOUND, [told, gone], None)
    assert (queue.workers, queue.places) == (1, 10)
    assert read_queue("q", FOUND, [told, untold], None).places is None


def test_how_long_it_takes_at_the_rate_of_late():
    assert QueueInfo(name="q", claimable=100, rate=20.0).drain == 5.0
    assert QueueInfo(name="q", claimable=100).drain is None
    assert QueueInfo(name="q", claimable=100, rate=0.0).drain is None
    assert QueueInfo(name="q").drain == 0.0
