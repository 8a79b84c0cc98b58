"""A batch of slots in every state, as `Inspector` reads them."""

from datetime import UTC, datetime, timedelta

from gatherq.contract.outcomes import AttemptInfo, Cancelled, Failed, Lost, Succeeded, TimedOut
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.report.batch_report import collect
from gatherq.inspection.slot_info import SlotInfo

BEGIN = datetime(2026, 11, 28, 12, tzinfo=UTC)


def at(seconds):
    return None if seconds is None else BEGIN + timedelta(seconds=seconds)


def ended(kind, number, start=0.0, end=1.0, *, worker="w1", name="fetch", history=(), **fields):
    """Return a slot with an outcome; times are seconds from the submission."""
    times = {"enqueued": at(0), "started": at(start), "finished": at(end)}
    common = {"slot": number, "name": name, "worker": worker, **times}
    common |= {"attempt": len(history) + (start is not None), "history": tuple(history)}
    outcome = kind(job_id=f"b:{number}", **common, **fields)
    given = {"batch": "b", "status": outcome.status, "args": (number,), "bytes": 90}
    return SlotInfo(**given, **common, outcome=outcome)


def succeeded(number, *times, value="page", **fields):
    return ended(Succeeded, number, *times, value=value, **fields)


def failed(number, *times, type_="ValueError", message="no page 7", traceback="", **fields):
    error = ErrorInfo(type=type_, message=message, traceback=traceback)
    return ended(Failed, number, *times, error=error, **fields)


def timed_out(number, *times, **fields):
    return ended(TimedOut, number, *times, which="execution", limit=2, **fields)


def never_started(number):
    return ended(Cancelled, number, None, 3.0, worker="", by="ops@desk")


def lost(number, *times, **fields):
    return ended(Lost, number, *times, attempts=2, **fields)


def pending(number, status, **fields):
    given = {"batch": "b", "slot": number, "status": status, "name": "fetch", "bytes": 90}
    return SlotInfo(**given, args=(number,), enqueued=at(0), **fields)


def attempt(number, start, end, *, worker="w1", status="failed"):
    error = ErrorInfo(type="OSError", message="refused")
    return AttemptInfo(
        attempt=number,
        worker=worker,
        status=status,
        error=error,
        started=at(start),
        finished=at(end),
    )


def batch_of(slots, **fields):
    counts = {}
    for slot in slots:
        if slot.outcome or slot.status == "running":
            counts[slot.status] = counts.get(slot.status, 0) + 1
    return BatchInfo(**{"id": "b", "size": len(slots), "created": at(0), **counts, **fields})


async def each(slots):
    for slot in slots:
        yield slot


async def report_of(*slots, now=10.0, running=(), redact=False, **fields):
    batch = batch_of(slots, **fields)
    return await collect(batch, each(slots), at(now), running=running, redact=redact)


def every_kind():
    """Return slots of every status, with hostile texts among them."""
    retried = [attempt(1, 0.0, 0.5), attempt(2, 0.7, 0.9, worker="w2")]
    return [
        succeeded(0, 0.0, 1.0),
        failed(1, 1.0, 2.0, traceback='File "jobs.py", line 3, in fetch\n', history=retried),
        timed_out(2, 0.5, 2.5, worker="w2", name="parse"),
        never_started(3),
        lost(4, 0.1, 0.2),
        pending(5, "running", worker="w1", attempt=1),
        pending(6, "queued"),
        pending(7, "retrying", attempt=1, history=(attempt(1, 1.0, 3.0),)),
        pending(8, "missing"),
    ]
