"""A slot as its keys tell of it: its call, where it stands, and its outcome."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gatherq.client.collection.result_reader import outcome_of
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.outcomes import AnyOutcome, AttemptInfo, Lost
from gatherq.contract.records import MAX_RECORD, UNKNOWN
from gatherq.contract.short_repr import call_repr
from gatherq.contract.values import codec
from gatherq.store.claims import text, time_in
from gatherq.store.inspection.slot_records import SlotRecord

from .error_line import error_line
from .field_values import time


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotInfo:
    """A slot, at the time of a look; times are those of Redis's clock, in UTC."""

    batch: str
    slot: int
    #: That of its outcome; else `queued`, `running`, `retrying` (it waits for its next attempt),
    #: `waiting` (limits hold it back), or `missing` (Redis has neither its outcome, nor its place
    #: in the queue). `ended`: a plain arq job whose result only arq can read.
    status: str
    #: Name of the job, and its arguments, where the record has them: large ones are left out.
    name: str = UNKNOWN
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    #: Number of the last attempt, 0 for none; and who made it, or makes it now.
    attempt: int = 0
    worker: str = ""
    enqueued: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    #: While it is `queued` or `retrying`: when it may be claimed. While it is `running`: the end of
    #: the lease, unless its worker renews it.
    due: datetime | None = None
    #: While it is `waiting`: `batch`, its batch lets others first; `lane:process`, it waits for a
    #: place of that kind; `gate:fetch:"host"`, its gate is full. Empty where that is not known.
    waits_at: str = ""
    #: Earlier attempts, oldest first; of a lost slot its last one too, with how it died.
    history: tuple[AttemptInfo, ...] = ()
    outcome: AnyOutcome | None = None
    #: Bytes of its record.
    bytes: int = 0
    #: Id of a plain arq job, which is no slot of a batch; and why its record is not read.
    arq_id: str = ""
    unread: str = ""
    #: The innermost function of the jobs' own code in its error, where the traceback is hidden.
    where: str = ""

    @property
    def job_id(self) -> str:
        """Return the id of its job: `BATCH:SLOT`, or that of a plain arq job."""
        return self.arq_id or job_id(self.batch, self.slot)

    @property
    def call(self) -> str:
        """Return the call as a line of source code, of some 90 characters."""
        return call_repr(self.name, self.args, self.kwargs)

    @property
    def abandoned(self) -> bool:
        """Whether its last attempt has not ended: it is `retrying` because its worker is gone."""
        told = max((info.attempt for info in self.history), default=0)
        return self.status == "retrying" and told < self.attempt

    @property
    def earlier(self) -> tuple[AttemptInfo, ...]:
        """Return the attempts before the one that `attempt` and `started` are of."""
        again = isinstance(self.outcome, Lost) and self.started is not None
        if again and self.history and self.history[-1].attempt == self.attempt:
            return self.history[:-1]
        return self.history

    @property
    def took(self) -> float | None:
        """Return the seconds that its last attempt ran; None for none that has ended."""
        return _between(self.started, self.finished)

    @property
    def waited(self) -> float | None:
        """Return the seconds before its first attempt; None where none has begun."""
        first = next((info.started for info in self.history if info.started), self.started)
        return _between(self.enqueued, first)

    @property
    def signature(self) -> str:
        """Return the group of its error; empty where it has none."""
        return getattr(self.outcome, "signature", "")

    @property
    def error_line(self) -> str:
        """Return why it did not succeed, in a line; empty where it did, or has not ended."""
        return error_line(self.outcome)


def read_slot(keys: KeySpace, batch: str, record: SlotRecord) -> SlotInfo:
    """Read what Redis has of a slot."""
    if record.result is not None:
        outcome = outcome_of(record.result, keys, batch, record.slot, None)
        return of_outcome(batch, record.slot, outcome, record.result)
    return of_pending(batch, record)


def of_outcome(batch: str, slot: int, outcome: AnyOutcome, raw: bytes) -> SlotInfo:
    """Return a slot that has ended; `raw` is its record."""
    args, kwargs = _arguments(raw)
    return SlotInfo(
        batch=batch,
        slot=slot,
        status=outcome.status,
        name=outcome.name,
        args=args,
        kwargs=kwargs,
        attempt=outcome.attempt,
        worker=outcome.worker,
        enqueued=outcome.enqueued,
        started=outcome.started,
        finished=outcome.finished,
        history=outcome.history,
        outcome=outcome,
        bytes=len(raw),
    )


def of_pending(batch: str, record: SlotRecord) -> SlotInfo:
    """Return a slot without an outcome."""
    job = _record(record.job)
    history = tuple(filter(None, map(_attempt, record.history)))
    worker, attempt = _claim(record)
    if record.token is not None:
        status = "running"
    elif record.waits:
        status = "waiting"
    elif record.score is None:
        status = "missing"
    else:
        status = "retrying" if attempt else "queued"
    name, enqueued = job.get("f"), job.get("et")
    args, kwargs = _arguments(record.job)
    return SlotInfo(
        batch=batch,
        slot=record.slot,
        status=status,
        name=name if isinstance(name, str) else UNKNOWN,
        args=args,
        kwargs=kwargs,
        attempt=attempt,
        worker=worker,
        enqueued=time(enqueued),
        due=None if status == "waiting" else time(time_in(record.score)),
        waits_at=record.waits_at if status == "waiting" else "",
        history=history,
        bytes=len(record.job or b""),
    )


def _claim(record: SlotRecord) -> tuple[str, int]:
    """Return who holds a job, and the number of its last attempt."""
    count = record.attempts if record.attempts and record.attempts.isdigit() else b"0"
    attempt = int(count[:9])
    if record.token is None:
        return "", attempt
    worker, *numbers = text(record.token).rsplit(":", 2)
    return (worker if numbers else ""), attempt


def _record(raw: bytes | None) -> dict[str, Any]:
    if raw is not None and len(raw) <= MAX_RECORD:
        with suppress(ValueError):
            found = codec.from_json(raw)
            return found if isinstance(found, dict) else {}
    return {}


def _arguments(raw: bytes | None) -> tuple[Sequence[Any], Mapping[str, Any]]:
    record = _record(raw)
    args, kwargs = record.get("a"), record.get("k")
    return (
        args if isinstance(args, list) else (),
        kwargs if isinstance(kwargs, dict) else {},
    )


def _attempt(raw: bytes) -> AttemptInfo | None:
    with suppress(ValueError):
        return AttemptInfo.model_validate_json(raw)
    return None


def _between(first: datetime | None, last: datetime | None) -> float | None:
    return (last - first).total_seconds() if first and last else None
