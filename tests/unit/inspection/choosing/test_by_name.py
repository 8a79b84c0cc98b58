"""A worker or a job by its name."""

import pytest

from gatherq.inspection.choosing.by_name import NoSuchName, job_named, worker_named
from gatherq.inspection.job_info import JobInfo
from gatherq.inspection.worker_info import WorkerInfo

WORKERS = [WorkerInfo(name=name, state="running") for name in ("a.1", "a.12", "web-3.7")]
JOBS = [JobInfo(name="fetch"), JobInfo(name="parse")]


def test_a_whole_name_comes_before_those_that_begin_with_it():
    assert worker_named(WORKERS, "a.1", "q").name == "a.1"
    assert worker_named(WORKERS, "web", "q").name == "web-3.7"


def test_a_beginning_of_several_names_them():
    with pytest.raises(NoSuchName, match=r"2 workers begin with a: a\.1, a\.12") as raised:
        worker_named(WORKERS, "a", "q")
    assert raised.value.near == ("a.1", "a.12")


def test_what_resembles_a_name_is_told():
    with pytest.raises(NoSuchName, match=r"no job fecth on q; did you mean fetch\?") as raised:
        job_named(JOBS, "fecth", "q")
    assert raised.value.near == ("fetch",)
    with pytest.raises(NoSuchName, match=r"no job perch on q; gatherq jobs lists") as raised:
        job_named(JOBS, "perch", "q")  # another word than parse and fetch
    assert raised.value.near == ()
    with pytest.raises(NoSuchName, match="no worker zzz on q; gatherq workers lists") as raised:
        worker_named(WORKERS, "zzz", "q")
    assert raised.value.near == ()
