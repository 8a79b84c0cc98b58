"""Plain arq jobs: a job that stands in arq's keys and belongs to no batch, as a batch of one.

What arq's own client writes is a pickle unless it was given another serializer. To read a pickle is
to run code of whoever wrote it, so none is read: how such a job ended, only arq can tell.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gatherq.contract import records
from gatherq.contract.outcomes import AnyOutcome
from gatherq.contract.values import codec
from gatherq.store.inspection.slot_records import SlotRecord

from .batch_info import BatchInfo
from .slot_info import SlotInfo, of_outcome, of_pending

PICKLED = "pickled by arq, not read"
_NO_RECORD = "no record of arq's, not read"


def read_arq_job(id_: str, record: SlotRecord) -> SlotInfo | None:
    """Read what Redis has of a job without a batch; None where it has nothing."""
    if record.result is not None:
        return _ended(id_, record.result)
    if record.job is None and record.score is None and record.token is None:
        return None
    slot = of_pending("", record)
    unread = _unread(record.job) if record.job is not None else ""
    return replace(slot, arq_id=id_, unread=unread)


def batch_of_one(slot: SlotInfo, queue: str) -> BatchInfo:
    """Return a plain arq job as a batch."""
    counted = slot.outcome is not None or slot.status == "running"
    counts: dict[str, Any] = {slot.status: 1} if counted else {}
    return BatchInfo(
        id=slot.arq_id,
        arq=True,
        queue=queue,
        size=1,
        written=1,
        created=slot.enqueued,
        started=slot.started,
        ended=slot.finished,
        names={slot.name: 1},
        unread=int(slot.status == "ended"),
        **counts,
    )


def _ended(id_: str, raw: bytes) -> SlotInfo:
    outcome = _outcome(id_, raw)
    if outcome is None:
        unread = _unread(raw) or _NO_RECORD
        return SlotInfo(batch="", slot=0, status="ended", arq_id=id_, unread=unread, bytes=len(raw))
    return replace(of_outcome("", 0, outcome, raw), arq_id=id_)


def _outcome(id_: str, raw: bytes) -> AnyOutcome | None:
    """Read a result of ours, or of arq's in JSON."""
    with suppress(ValueError):
        return records.decode_result(raw)
    with suppress(ValueError):
        found = codec.from_json(raw) if len(raw) <= records.MAX_RECORD else None
        if isinstance(found, dict) and type(found.get("s")) is bool:
            return records.decode_result(codec.encode(_as_ours(id_, found)))
    return None


def _as_ours(id_: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    ours = {**found, "id": id_, "worker": "", "status": "succeeded" if found["s"] else "failed"}
    if not found["s"]:
        ours["error"] = {"type": "Exception", "message": str(found.get("r"))}
    return ours


def _unread(raw: bytes) -> str:
    if raw[:1] == b"\x80":
        return PICKLED
    with suppress(ValueError):
        if len(raw) <= records.MAX_RECORD and isinstance(codec.from_json(raw), dict):
            return ""
    return _NO_RECORD
