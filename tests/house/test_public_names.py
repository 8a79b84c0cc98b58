"""What users may name: a name that is added, lost or renamed shows here first."""

import asyncio
import inspect
from importlib.metadata import version

import pytest

import gatherq
import gatherq.embedded
import gatherq.errors
import gatherq.progress
import gatherq.testing.server
import gatherq.wire
import gatherq_worker

CLIENT = ["Batch", "Handle", "Producer", "TaskGroup"]
LOCAL = ["local"]
INSPECTION = [
    *(
        "BatchInfo",
        "BatchProgress",
        "BatchReport",
        "Cause",
        "ErrorGroup",
        "EventInfo",
        "Explanation",
    ),
    *("Finding", "Inspector", "JobInfo", "QueueInfo", "RunningSlot", "SlotInfo"),
    *("StatisticsPeriod", "WorkerInfo"),
]
JOBS = ["Call", "CurrentJob", "Job", "JobDefinition", "PlainJob", "call", "cron"]
JOBS += ["current_job", "job"]
OUTCOMES = [
    "Counts",
    *("AttemptInfo", "Cancelled", "ErrorInfo", "Failed", "Lost", "Outcome", "Succeeded"),
    "TimedOut",
]
ERRORS = [
    *("BatchConflict", "BatchNotFound", "GatherqError", "InvalidArguments"),
    *("InvalidCall", "InvalidSelector", "InvalidSetting", "JobCancelled", "JobLost"),
    *("JobTimeout", "MissingExtra", "NoWorkers", "PayloadTooLarge", "ProducerClosed"),
    *("ProducerElsewhere", "RedisUnavailable", "RemoteError", "Retry"),
]
WORKER = [
    *("Attempt", "CurrentJob", "GraceOver", "JobDied", "JobEnded", "JobRefused", "JobReleased"),
    *("JobRetried", "JobStarted", "LeaseLost", "LoopBlocked", "Observer"),
    *("Worker", "create_worker", "crontab", "current_job", "run_worker"),
]

#: Beside what asyncio's own class of that kind has.
METHODS = {
    "Batch": [
        *("as_completed", "cancel", "counts", "delete", "detach", "handles", "keep"),
        *("outcomes", "redrive", "wait"),
    ],
    "Inspector": [
        *("aclose", "batch", "batches", "check", "error_groups", "events", "explain", "jobs"),
        *("listed", "now", "queue", "queue_info", "queues", "rates", "report", "running"),
        *("slots", "statistics", "url", "watch", "workers"),
    ],
    "Handle": ["get_name", "has_outcome", "id", "outcome", "set_name", "slot"],
    "Producer": [
        *("aclose", "batch", "gather", "map", "redis", "submit", "submit_one", "task_group"),
        "url",
    ],
    "TaskGroup": ["create_task"],
}


def test_the_front_door():
    public = [*CLIENT, *LOCAL, *INSPECTION, *JOBS, *OUTCOMES, *ERRORS]
    assert sorted(gatherq.__all__) == sorted(public)
    assert set(gatherq.__all__) <= set(dir(gatherq))
    assert all(hasattr(gatherq, name) for name in gatherq.__all__)
    assert gatherq.__version__ == version("gatherq")


def test_the_workers_door():
    assert sorted(gatherq_worker.__all__) == WORKER
    assert all(hasattr(gatherq_worker, name) for name in gatherq_worker.__all__)


def test_the_errors():
    names = [
        name
        for name, each in vars(gatherq.errors).items()
        if inspect.isclass(each) and each.__module__ == "gatherq.errors" and name[0] != "_"
    ]
    assert sorted(names) == ERRORS


def functions(module):
    """Return the public functions that a module defines."""
    return [
        name
        for name, each in vars(module).items()
        if inspect.isfunction(each) and each.__module__ == module.__name__ and name[0] != "_"
    ]


def test_the_other_doors():
    assert gatherq.wire.__all__ == ["job_deserializer", "job_serializer"]
    assert gatherq.embedded.__all__ == gatherq.testing.__all__ == ["embedded_server"]
    assert functions(gatherq.progress) == ["progress"]
    names = ["embedded_server", "free_port", "server_program"]
    assert sorted(functions(gatherq.testing.server)) == names


@pytest.mark.parametrize("name", CLIENT)
def test_a_class_has_what_its_users_call(name):
    ours = getattr(gatherq, name)
    theirs = asyncio.Future if issubclass(ours, asyncio.Future) else object
    assert sorted(set(dir(ours)) - set(dir(theirs)) - privates(ours)) == METHODS[name]


def privates(kind):
    return {name for name in dir(kind) if name.startswith("_")}
