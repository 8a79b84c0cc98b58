"""Slots and batches as the tests of what is made of them need them."""

from datetime import UTC, datetime, timedelta

from gatherq.contract.outcomes import AttemptInfo, Failed, Succeeded, TimedOut
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.inspection.slot_info import SlotInfo

START = datetime(2026, 11, 25, 13, 40, tzinfo=UTC)


def at(seconds):
    """Return the time so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def failure(message, started, finished, attempt=1):
    """Return an earlier attempt that raised."""
    error = ErrorInfo(type="OSError", message=message)
    times = {"started": at(started), "finished": at(finished)}
    return AttemptInfo(attempt=attempt, worker="w1", status="failed", error=error, **times)


def ended(slot=0, kind=Succeeded, started=1, finished=2, history=(), **fields):
    """Return a slot with an outcome."""
    times = {"enqueued": START, "started": started and at(started), "finished": at(finished)}
    told = {"job_id": f"b:{slot}", "slot": slot, "name": "fetch", "attempt": 1, "worker": "w2"}
    fields = fields or ({"value": 1} if kind is Succeeded else {})
    outcome = kind(**told, **times, history=history, **fields)
    shown = {**times, "name": "fetch", "attempt": 1, "worker": "w2", "history": tuple(history)}
    return SlotInfo(batch="b", slot=slot, status=outcome.status, outcome=outcome, **shown)


def failed(slot, message, finished=2, signature=""):
    """Return a slot whose job raised."""
    error = ErrorInfo(type="ValueError", message=message)
    return ended(slot, Failed, finished=finished, error=error, signature=signature)


def timed_out(slot, limit=2.0):
    """Return a slot whose job took too long."""
    return ended(slot, TimedOut, which="execution", limit=limit)
