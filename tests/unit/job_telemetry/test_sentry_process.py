"""Sentry in the process of a job, where it is not there or fails: the job's answer is as ever."""

import sys
from types import SimpleNamespace

from gatherq_worker.job_telemetry import sentry_process


def broken(*_):
    raise RuntimeError("a fault of the SDK")


def test_without_the_sdk_nothing_is_done(monkeypatch):
    monkeypatch.delitem(sys.modules, "sentry_sdk", raising=False)
    sentry_process.enter_job("b:0", "chop", 1, [], {})
    assert sentry_process.event_of(ValueError()) is None
    sentry_process.flush(None)
    assert "sentry_sdk" not in sys.modules


def test_a_fault_of_the_sdk_is_none_of_the_jobs(monkeypatch):
    client = SimpleNamespace(get_integration=lambda name: object())
    parts = {"get_client": lambda: client, "get_isolation_scope": broken, "flush": broken}
    monkeypatch.setitem(sys.modules, "sentry_sdk", SimpleNamespace(**parts))
    sentry_process.enter_job("b:0", "chop", 1, [], {})
    assert sentry_process.event_of(ValueError()) is None  # the worker describes it
    sentry_process.flush(None)


def test_a_flush_takes_half_of_the_time_that_remains_at_most(monkeypatch):
    flushed = []
    monkeypatch.setitem(sys.modules, "sentry_sdk", SimpleNamespace(flush=flushed.append))
    for remaining in (None, 10.0, 1.0, 0.0):
        sentry_process.flush(remaining)
    assert flushed == [2.0, 2.0, 0.5, 0.0]
