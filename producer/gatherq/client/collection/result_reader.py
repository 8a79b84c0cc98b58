"""From the bytes of one slot to its outcome: whatever lies between is that slot's failure."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from gatherq.contract import records
from gatherq.contract.interruptions import INTERRUPTIONS
from gatherq.contract.keys import KeySpace, job_id
from gatherq.contract.outcomes import Failed, Outcome, Succeeded
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.contract.values import codec
from gatherq.contract.values.codec import Decoder
from gatherq.contract.values.error_text import text_of

#: Raised to the reader, whom they concern. All else is contained, pydantic's PanicException too.
_THROUGH = (*INTERRUPTIONS, GeneratorExit)
#: What a damaged record may still tell.
_KNOWN = {"name": "f", "attempt": "t", "enqueued": "et", "started": "st", "finished": "ft"}
_TEXT = 300


def outcome_of(
    raw: bytes, keys: KeySpace, batch: str, slot: int, decode: Decoder | None
) -> Outcome[Any]:
    """Read the record of a slot; `decode` turns a value into the annotated type."""
    try:
        outcome = records.decode_result(raw)
        if outcome.job_id != f"{batch}:{slot}":
            raise ValueError(f"it is the record of another job, {outcome.job_id[:_TEXT]!r}")
        if outcome.slot != slot:  # its place says which slot it is of, whatever the record says
            outcome = outcome.model_copy(update={"slot": slot})
    except _THROUGH:
        raise
    except BaseException as error:
        return unreadable(keys, batch, slot, _why(error), raw)
    if decode is None or not isinstance(outcome, Succeeded):
        return outcome
    try:
        return outcome.model_copy(update={"value": decode(outcome.value)})
    except _THROUGH:
        raise
    except BaseException as error:
        return _not_as_annotated(keys, outcome, error, len(raw))


def unreadable(keys: KeySpace, batch: str, slot: int, why: str, raw: bytes | None = None) -> Failed:
    """Make the outcome of a slot whose record cannot be read."""
    return _failed(batch, slot, "UnreadableResult", _unread(keys, batch, slot, raw, why), raw)


def lost(keys: KeySpace, batch: str, slot: int) -> Failed:
    """Make the outcome of a slot that has ended, and whose record is gone."""
    key = keys.result(job_id(batch, slot))
    message = f"the job has ended, and its result is gone: {key} was deleted, or Redis lost it"
    return _failed(batch, slot, "LostResult", message)


def _not_as_annotated(
    keys: KeySpace, outcome: Succeeded[Any], error: BaseException, size: int
) -> Failed:
    if isinstance(error, ValidationError):
        kind, message = "TypeError", f"the result is not of the annotated type: {_why(error)}"
    else:
        kind = "UnreadableResult"
        key = keys.result(outcome.job_id)
        message = (
            f"{key}, {size:,} bytes: its value cannot be made the annotated type: {_why(error)}"
        )
    identity = outcome.model_dump(exclude={"status", "value"})
    return Failed(error=ErrorInfo(type=kind, message=message), **identity)


def _failed(batch: str, slot: int, kind: str, message: str, raw: bytes | None = None) -> Failed:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "job_id": job_id(batch, slot),
        "slot": slot,
        "name": records.UNKNOWN,
        "attempt": 0,
        "worker": "",
        "enqueued": now,
        "finished": now,
        "error": ErrorInfo(type=kind, message=message),
    }
    for name, value in _known(raw).items():
        with suppress(ValidationError):
            Failed(**{**fields, name: value})
            fields[name] = value
    return Failed(**fields)


def _known(raw: bytes | None) -> dict[str, Any]:
    if raw is None or len(raw) > records.MAX_RECORD:
        return {}
    try:
        record = codec.from_json(raw)
        return {name: record[field] for name, field in _KNOWN.items() if field in record}
    except _THROUGH:
        raise
    except BaseException:
        return {}


def _unread(keys: KeySpace, batch: str, slot: int, raw: bytes | None, why: str) -> str:
    size = "" if raw is None else f", {len(raw):,} bytes"
    return f"{keys.result(job_id(batch, slot))}{size}, cannot be read: {why}"


def _why(error: BaseException) -> str:
    """Describe an error, which may be of the user's making and fail at that too."""
    try:
        if isinstance(error, ValidationError):
            return text_of(error)[:_TEXT]
        text = str(error)[:_TEXT]
    except _THROUGH:
        raise
    except BaseException:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
