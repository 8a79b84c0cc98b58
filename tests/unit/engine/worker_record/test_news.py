"""What a worker tells once."""

import json

from gatherq.contract.records import JobRecord
from gatherq.store.jobs import Record, Release
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.worker_record.news import News


class Told:
    """News with a clock that a test sets."""

    def __init__(self, interval=10.0, **options):
        self.now = 0.0
        self.news = News(["f"], interval, lambda: self.now, **options)

    def take(self, **options):
        raw = self.news.take(**options)
        return json.loads(raw) if raw else None

    def count(self, reply="recorded", n=1):
        attempt = Attempt("b:0", 1, JobRecord(f="f", a=[], k={}, et=1))
        self.news.recorded([Record(attempt, "failed", b"", None, name="f")] * n, [reply] * n)


def test_counts_are_told_every_ten_seconds_if_there_are_any():
    told = Told()
    told.count(n=2)
    assert told.take() is None
    told.now = 10.0
    assert told.take() == {"seq": "1", "events": [], "jobs": [["f", 2, 2]]}
    told.news.told()
    told.now = 20.0
    assert told.take() is None
    assert told.news.done == 2


def test_what_redis_refused_counts_for_nothing():
    told = Told()
    for reply in ("already", "refused", "gone", "refused"):
        told.count(reply)
    told.now = 10.0
    assert (told.take(), told.news.done, told.news.refused) == (None, 0, 2)


def test_an_attempt_that_is_charged_is_a_retry():
    told = Told()
    attempt = Attempt("b:0", 1, JobRecord(f="f", a=[], k={}, et=1))
    told.news.released([Release(attempt, charge=True), Release(attempt)])
    assert told.take(last=True)["jobs"] == [["f", 6, 1]]


def test_events_are_told_at_once_in_one_line_each():
    told = Told()
    told.count()
    told.news.note("worker_blocked", job="b:\n1\ud800", where="x" * 900)
    (event,) = told.take()["events"]
    assert event[:4] == ["worker_blocked", "job", "b:\\n1\\ud800", "where"]
    assert len(event[4]) == 500


def test_the_same_is_told_until_redis_answers_and_then_what_came_meanwhile():
    told = Told()
    told.count()
    first = told.take(last=True)
    told.count()
    told.news.note("redis_back", since=5)
    assert told.take(last=True) == first
    told.news.told()
    assert told.take(last=True) == {
        "seq": "2",
        "events": [["redis_back", "since", "5"]],
        "jobs": [["f", 2, 1]],
    }
    assert told.news.seq == "2"


def test_an_interval_of_0_tells_events_alone():
    told = Told(0.0)
    told.count()
    assert told.take(last=True) is None
    told.count()
    told.news.note("redis_back")
    assert told.take(last=True)["jobs"] == []
    assert told.news.done == 2


def test_another_teller_has_numbers_of_its_own():
    told = Told(teller="supervisor")
    told.count()
    assert told.take(last=True)["seq"] == "supervisor1"


def test_events_that_nobody_takes_are_bounded():
    told = Told()
    for n in range(500):
        told.news.note("redis_back", since=n)
    events = told.take()["events"]
    assert (len(events), events[-1]) == (100, ["redis_back", "since", "499"])


def test_news_wait_until_they_are_told():
    told = Told()
    assert not told.news.waits()
    told.news.note("worker_blocked")
    assert told.news.waits()
    told.take()
    assert told.news.waits()  # Redis has not answered
    told.news.told()
    assert not told.news.waits()


def test_counts_wait_once_it_is_time_for_them():
    told, never = Told(), Told(interval=0.0)
    for each in (told, never):
        each.count()
        assert not each.news.waits()
        each.now = 10.0
    assert told.news.waits()
    assert not never.news.waits()
