"""Outcomes as a worker writes them, with their error groups."""

from gatherq.contract.records import Times, Verdict
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.store.jobs import Record
from gatherq_worker.engine.conclusion import verdicts


def failed(attempt, message="no 7", worker="w1"):
    """Make the record of a job that raised."""
    verdict = Verdict("failed", message, {"error": ErrorInfo(type="ValueError", message=message)})
    return recorded(verdict, attempt, worker)


def succeeded(attempt, worker="w1", value=1):
    """Make the record of a job that returned."""
    return recorded(Verdict("succeeded", value), attempt, worker)


def recorded(verdict, attempt, worker="w1"):
    """Make the record of an outcome."""
    times = Times(1_700_000_000_000, 1_700_000_000_001)
    verdict, payload = verdicts.encode_outcome(verdict, attempt, times, worker, "q")
    group, name = verdict.group, attempt.name
    return Record(attempt, verdict.status, payload, 60, group=group, name=name)
