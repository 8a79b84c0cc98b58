"""What became of jobs, counted by name."""

import threading

import pytest

from gatherq.contract.records import JobRecord, Times
from gatherq.store.jobs import Record
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.worker_record.job_counts import JobCounts

NOW = 1_700_000_000_000


def attempt(name="f", number=1, times=None, waited=0):
    made = Attempt("b:0", number, JobRecord(f=name, a=[], k={}, et=1))
    if times:
        started, finished = times
        made.times = Times(None if started is None else NOW + started, NOW + finished)
    made.score = NOW - waited
    return made


def ended(attempt, status):
    return Record(attempt, status, b"", None, name=attempt.name)


@pytest.mark.parametrize(
    ("status", "cell"),
    [("succeeded", 1), ("failed", 2), ("timed_out", 3), ("cancelled", 4), ("lost", 5)],
)
def test_an_outcome_counts_by_its_status(status, cell):
    counts = JobCounts(["f"])
    counts.recorded([ended(attempt(), status)])
    assert (counts.done, counts.take()) == (1, [["f", cell, 1]])


def test_times_are_summed_and_put_into_buckets():
    counts = JobCounts(["f"])
    counts.recorded([ended(attempt(times=(0, 80), waited=3), "succeeded")])
    counts.recorded([ended(attempt(times=(0, 400_000), waited=20), "succeeded")])
    buckets = [9 + 5, 1, 9 + 17, 1, 27 + 0, 1, 27 + 2, 1]
    assert counts.take() == [["f", 1, 2, 7, 400_080, 8, 23, *buckets]]


def test_a_later_attempt_has_not_waited_and_what_never_began_has_not_run():
    counts = JobCounts(["f", "g"])
    counts.recorded([ended(attempt(number=2, times=(0, 1), waited=60_000), "failed")])
    counts.recorded([ended(attempt("g", times=(None, 1), waited=60_000), "failed")])
    assert counts.take() == [["f", 2, 1, 7, 1, 9, 1], ["g", 2, 1]]


def test_a_clock_that_goes_back_counts_as_no_time():
    counts = JobCounts(["f"])
    counts.recorded([ended(attempt(times=(5, 1), waited=-60), "succeeded")])
    assert counts.take() == [["f", 1, 1, 9, 1, 27, 1]]


def test_a_retry_has_a_cell_of_its_own():
    counts = JobCounts(["f"])
    counts.retried(attempt())
    assert (counts.done, counts.take()) == (0, [["f", 6, 1]])


def test_what_was_taken_is_counted_no_more():
    counts = JobCounts(["f"])
    counts.recorded([ended(attempt(), "failed")])
    counts.take()
    assert (counts.done, counts.take()) == (1, [])


def test_names_without_a_handler_are_one():
    counts = JobCounts(["f", "\ud800"])
    for name in ("f", "x", "y", "\ud800"):
        counts.recorded([ended(attempt(name), "failed")])
    assert counts.take() == [["f", 2, 1], ["<unknown>", 2, 3]]


def test_without_handlers_every_name_that_can_be_written_counts():
    counts = JobCounts()
    for name in ("x", "\ud800"):
        counts.recorded([ended(attempt(name), "failed")])
    assert counts.take() == [["x", 2, 1], ["<unknown>", 2, 1]]


def test_no_more_than_500_names_are_told():
    counts = JobCounts()
    for n in range(600):
        counts.recorded([ended(attempt(f"f{n}"), "failed")])
    rows = counts.take()
    assert len(rows) == 500
    assert ["<unknown>", 2, 101] in rows


def test_nothing_is_lost_while_another_thread_takes():
    counts, taken, over = JobCounts(["f"]), [], threading.Event()

    def take():
        while not over.is_set():
            taken.extend(counts.take())

    thread = threading.Thread(target=take)
    thread.start()
    one = attempt(times=(0, 1))
    for _ in range(20_000):
        counts.recorded([ended(one, "succeeded")])
    over.set()
    thread.join()
    assert sum(row[row.index(1, 1) + 1] for row in [*taken, *counts.take()]) == 20_000
