"""What a snapshot says, as samples."""

from dataclasses import replace

from gatherq.contract.statistics import UNKNOWN, JobStatistics
from gatherq.inspection.job_info import JobInfo
from gatherq.inspection.metrics.samples import (
    MOST_JOBS,
    Distribution,
    queue_samples,
    samples_of,
)
from gatherq.inspection.metrics.snapshot import QueueSnapshot, Snapshot
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.worker_info import WorkerInfo

from .found import FOUND, QUEUE


def values(samples):
    """Return the values by name and labels."""
    return {(each.name, *each.labels): each.value for each in samples}


def of_jobs(*jobs):
    return values(queue_samples(replace(QUEUE, jobs=jobs)))


def test_a_queue_tells_its_jobs_by_state_and_what_workers_are_needed_for():
    told = values(queue_samples(QUEUE))
    states = {state: told["gatherq_queue_jobs", "q", state] for state in ("claimable", "running")}
    assert states == {"claimable": 7, "running": 2}
    assert told["gatherq_queue_jobs", "q", "deferred"] == 12
    assert told["gatherq_queue_demand", "q"] == 9
    assert told["gatherq_queue_oldest_seconds", "q"] == 1.5
    assert told["gatherq_quarantined_jobs", "q"] == 1


def test_what_limits_hold_back_is_neither_deferred_nor_claimable():
    held = replace(QUEUE.queue, parked=9, lanes={"process": 4}, outside=30, admissible=20)
    told = values(queue_samples(replace(QUEUE, queue=held)))
    assert told["gatherq_queue_jobs", "q", "waiting"] == 39
    assert told["gatherq_queue_jobs", "q", "claimable"] == 7
    assert told["gatherq_queue_jobs", "q", "deferred"] == 12
    assert told["gatherq_queue_demand", "q"] == 7 + 2 + 4 + 20  # of those at a gate none


def test_a_job_tells_its_outcomes_and_a_histogram_that_adds_up():
    told = values(queue_samples(QUEUE))
    statuses = ("succeeded", "failed", "timed_out", "cancelled", "lost")
    ended = [told["gatherq_jobs_finished_total", "q", "fetch", status] for status in statuses]
    assert ended == [1, 2, 3, 4, 5]
    assert told["gatherq_jobs_retried_total", "q", "fetch"] == 6
    run = told["gatherq_job_run_seconds", "q", "fetch"]
    assert isinstance(run, Distribution)
    assert (run.buckets[0], run.buckets[8]) == (("0.005", 2), ("0.75", 2))
    assert run.buckets[9:12] == [("1.0", 3), ("2.5", 3), ("5.0", 3)]
    assert run.buckets[-2:] == [("300.0", 3), ("+Inf", 4)]
    assert run.sum == 400.5
    assert told["gatherq_job_wait_seconds", "q", "fetch"].sum == 0.01


def test_a_worker_tells_of_itself_while_it_lives():
    told = values(queue_samples(QUEUE))
    workers = {key[2] for key in told if key[0].startswith("gatherq_worker_")}
    assert workers == {"host.1"}
    assert told["gatherq_worker_info", "q", "host.1", "host", "0.1", "3.13"] == 1
    assert told["gatherq_worker_places", "q", "host.1"] == 100
    assert told["gatherq_worker_running_jobs", "q", "host.1"] == 3
    assert told["gatherq_worker_claimed_jobs", "q", "host.1"] == 4
    assert told["gatherq_worker_outcomes_total", "q", "host.1"] == 50
    assert told["gatherq_worker_outcomes_refused_total", "q", "host.1"] == 6
    assert told["gatherq_worker_unrecorded_outcomes", "q", "host.1"] == 1
    assert told["gatherq_worker_loop_lag_seconds", "q", "host.1"] == 0.25
    assert told["gatherq_worker_memory_bytes", "q", "host.1"] == 1024
    assert told["gatherq_worker_abandoned_threads", "q", "host.1"] == 2
    assert told["gatherq_worker_redis_errors_total", "q", "host.1"] == 7


def test_workers_are_counted_by_state_those_too_of_which_there_are_none():
    told = values(queue_samples(QUEUE))
    found = {key[2]: value for key, value in told.items() if key[0] == "gatherq_workers"}
    states = ("running", "draining", "blocked", "away", "silent", "arq")
    assert found == dict(zip(states, (1, 0, 0, 0, 1, 0), strict=True))


def test_plain_arq_workers_are_there_or_not_and_nobody_knows_how_many():
    plain = WorkerInfo(name="arq", state="arq", running=3)
    queue = QueueSnapshot(queue=QueueInfo(name="q", arq=True), workers=[plain])
    told = values(queue_samples(queue))
    assert told["gatherq_workers", "q", "arq"] == 1
    assert not [key for key in told if key[0].startswith("gatherq_worker_")]


def test_a_job_that_has_not_run_begins_with_zeros():
    told = of_jobs(JobInfo(name="fetch", workers=("w",)))
    assert told["gatherq_jobs_finished_total", "q", "fetch", "failed"] == 0
    assert told["gatherq_job_run_seconds", "q", "fetch"].buckets[-1] == ("+Inf", 0)


def test_there_are_so_many_names_and_no_more_and_no_count_is_lost():
    counted = [JobInfo(name=f"z{n}", statistics=JobStatistics(n)) for n in range(1, 600)]
    told = of_jobs(*(JobInfo(name=f"a{n}") for n in range(600)), *counted)
    ended = {key[2]: value for key, value in told.items() if key[0].endswith("finished_total")}
    assert len(ended) == MOST_JOBS + 1
    status = "succeeded"
    by_name = {name: told["gatherq_jobs_finished_total", "q", name, status] for name in ended}
    assert sum(by_name.values()) == sum(range(600))
    assert by_name["z1"] == 1
    assert by_name[UNKNOWN] == sum(range(501, 600))


def test_names_of_others_are_escaped_and_cut_and_those_that_become_one_are_added():
    one, other = JobStatistics(succeeded=1), JobStatistics(succeeded=2)
    told = of_jobs(
        JobInfo(name="a\x1bb", statistics=one), JobInfo(name="a\\x1bb", statistics=other)
    )
    assert told["gatherq_jobs_finished_total", "q", "a\\x1bb", "succeeded"] == 3
    long = of_jobs(JobInfo(name="x" * 10_000, statistics=one))
    assert max(len(label) for key in long for label in key[1:]) == 200


def test_no_series_is_told_twice():
    worker = WorkerInfo(name="w\x00", state="running")
    twice = replace(QUEUE, workers=[worker, replace(worker, name="w\\x00")])
    told = [*samples_of(Snapshot(queues=[twice, twice]), "0.1")]
    series = [(each.name, each.labels) for each in told]
    assert len(series) == len(set(series))


def test_what_is_not_known_is_not_told():
    told = values(samples_of(Snapshot(), "0.1"))
    assert {key[0] for key in told} == {"gatherq_info", "gatherq_redis_up", "gatherq_redis_info"}
    worker = WorkerInfo(name="w", state="running")
    untold = values(queue_samples(replace(QUEUE, workers=[worker])))
    assert ("gatherq_worker_places", "q", "w") not in untold
    assert ("gatherq_worker_memory_bytes", "q", "w") not in untold


def test_of_a_server_that_does_not_answer_that_is_told_and_no_zeros():
    assert values(samples_of(None, "0.1")) == {
        ("gatherq_info", "0.1"): 1,
        ("gatherq_redis_up",): 0,
    }
    assert values(samples_of(FOUND, "0.1"))["gatherq_redis_up",] == 1
