"""Jobs by name, and how fast they end."""

from datetime import UTC, datetime

from gatherq.contract.statistics import JobStatistics
from gatherq.inspection.job_info import StatisticsPeriod, jobs_of, rate_of
from gatherq.inspection.worker_info import RunningJob, WorkerInfo

FIVE = JobStatistics(succeeded=4, failed=1)


def worker(name, handlers, *running, state="running"):
    known = None if handlers is None else frozenset(handlers)
    jobs = tuple(RunningJob(id=f"b:{n}", name=each) for n, each in enumerate(running))
    return WorkerInfo(name=name, state=state, handlers=known, jobs=jobs)


def test_jobs_are_those_that_are_known_that_run_and_that_were_counted():
    workers = [
        worker("a", ["fetch", "parse"], "fetch", "fetch"),
        worker("b", ["fetch"]),
        worker("c", None, "secret"),
        worker("d", ["gone"], "gone", state="silent"),
    ]
    found = {job.name: job for job in jobs_of(workers, {"fetch": FIVE, "old": FIVE})}
    assert [*found] == ["fetch", "old", "parse", "secret"]
    assert (found["fetch"].workers, found["fetch"].running) == (("a", "b"), 2)
    assert (found["fetch"].statistics, found["parse"].statistics.ended) == (FIVE, 0)
    assert (found["old"].workers, found["secret"].workers) == ((), ())


def test_the_rate_is_that_of_the_minutes_since_something_ended():
    now = 1_795_000_000_000 // 60_000 * 60_000 + 30_000  # half a minute has gone
    none, some = {}, {"fetch": FIVE, "parse": FIVE}
    assert rate_of([none, none, none], now) is None
    assert rate_of([none, none, some], now) == 10 / 30
    assert rate_of([none, some, some], now) == 20 / 90
    assert rate_of([some, none, none], now) == 10 / 150


def test_a_period_counts_all_jobs():
    start = datetime(2026, 11, 28, tzinfo=UTC)
    period = StatisticsPeriod(start=start, seconds=60, jobs={"fetch": FIVE, "parse": FIVE})
    assert period.statistics.ended == 10
