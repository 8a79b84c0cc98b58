"""The two records both sides share: a job and a result, each as JSON with arq's field names.

Source: `arq.jobs.serialize_job` and `serialize_result` (arq 0.28); fields of more than one letter
are ours.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter

from .jobs import Call
from .outcomes import AnyOutcome, Status, Succeeded, exception_of
from .remote_errors import error_info
from .remote_errors.error_groups import ErrorGroup
from .remote_errors.error_info import ErrorInfo
from .validation import MAX_ENTRY, MAX_HISTORY, MAX_JOB, MAX_NAME, MAX_PAYLOAD, MAX_PRIORITY
from .values import codec
from .values.arguments import encode_arguments
from .values.json_limits import check_size

#: Largest record, in bytes: a job, and a result with its value, history and error.
_OUR_JOB, MAX_RECORD = MAX_PAYLOAD + 1024, MAX_PAYLOAD + MAX_HISTORY + 1024 * 1024
#: Arguments are copied into the result only from jobs up to this size, in bytes.
ECHOED_ARGUMENTS = 4096
#: Name of a job whose data is missing or damaged.
UNKNOWN = "<unknown>"
#: Takes the place of an error in a history that is too long.
LEFT_OUT = ErrorInfo(
    type=error_info.LEFT_OUT, message="this error is left out: the history is too long"
)


class JobRecord(BaseModel):
    """A job as it stands in `arq:job:<id>`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    name: str = Field(validation_alias="f")
    args: list[Any] = Field(validation_alias="a")
    kwargs: dict[str, Any] = Field(validation_alias="k")
    enqueued: int = Field(validation_alias="et", ge=0, lt=10**14)
    attempt: int | None = Field(validation_alias="t", default=None)
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    #: Seconds from `enqueued` within which it must start.
    queue_timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    #: From -9 to 9, higher first.
    priority: int = Field(default=0, ge=-MAX_PRIORITY, le=MAX_PRIORITY)
    #: Seconds from `enqueued` before which it may not start.
    delay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    #: Attempts before the last redrive.
    base: NonNegativeInt = 0
    #: The slot that its producer wrote it for; None in a job that is no slot.
    batch: str | None = None
    slot: int | None = None


#: The validator itself: pydantic's wrappers would add half to the time of reading.
_JOB = JobRecord.__pydantic_validator__
#: Follows the name and the arguments in every job; the Lua steps look for it too.
_AFTER_CALL = b',"t":null,"timeout":'


def encode_job(
    call: Call[Any],
    batch: str,
    slot: int,
    timeout: float | None,
    queue_timeout: float | None = None,
    priority: int = 0,
    delay: float = 0.0,
) -> bytes:
    """Encode a job without its closing brace: submit.lua adds the time it was enqueued.

    The Lua steps rely on the order of the fields. Raises ValueError for arguments that have no JSON
    form, and ArgumentError (a ValueError) for those that would come back as other values.
    """
    limit = timeout if call.timeout is None else call.timeout
    record: dict[str, Any]
    if call.written is None:
        args, named = encode_arguments(call.function, call.args, call.kwargs or {})
        record = {
            "f": call.name,
            "a": args,
            "k": named,
            "t": None,
            "timeout": limit,
            "batch": batch,
            "slot": slot,
        }
    else:
        record = {"t": None, "timeout": limit, "batch": batch, "slot": slot}
    level = priority if call.priority is None else call.priority
    if level:
        record["priority"] = level
    wait = queue_timeout if call.queue_timeout is None else call.queue_timeout
    if wait is not None:
        record["queue_timeout"] = wait
    later = delay if call.delay is None else call.delay
    if later:
        record["delay"] = later
    job = codec.encode(record)[:-1]
    return job if call.written is None else b"%b,%b" % (call.written, job[1:])


def identity(job: bytes) -> bytes:
    """Return the part of an encoded job that holds its name and arguments.

    Empty for a job that is not of our format.
    """
    return job[: max(job.rfind(_AFTER_CALL), 0)]


def decode_job(payload: bytes) -> JobRecord:
    """Decode a job; raises ValueError (pydantic's) for anything else, or more than the limit."""
    check_size(payload, _OUR_JOB)
    job: JobRecord = _JOB.validate_json(payload)
    return job


def result_head(worker: str, attempt: int) -> str:
    """Return the head of every result: record_outcomes.lua reads from it which attempt it is of."""
    return f'{{"worker":"{worker}","t":{attempt},'


#: A result; it begins with `result_head`.
_RESULT = (
    b'{"worker":"%b","t":%d,"id":%b,"status":"%b"%b,"s":%b,"r":%b,%b,"batch":%b,"slot":%d,'
    b'"et":%d,"st":%b,"ft":%d,"q":%b%b%b}'
)


class Verdict(NamedTuple):
    """The part of a result that an execution decides: a status, and the fields that go with it."""

    status: Status
    #: Value of a job that succeeded, else a line for people.
    result: Any
    #: Further fields of the outcome of this status: error, which, limit, by, attempts.
    fields: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    #: The value as JSON, if it is encoded already.
    written: bytes | None = None
    #: The whole result in the format of an arq producer, if it is encoded already.
    record: bytes | None = None
    #: The group of an outcome that is no success.
    group: ErrorGroup | None = None


class Times(NamedTuple):
    """Milliseconds of Redis's clock; `started` is None for a job that never ran."""

    started: int | None
    finished: int


def call_of(job: JobRecord, payload: bytes) -> bytes:
    """Return the name and the arguments of a job, which its result repeats."""
    end = payload.rfind(_AFTER_CALL)
    # If only the last brace follows, the match is at the end of the call and not in an argument.
    if payload[:5] == b'{"f":' and end > 0 and payload.count(b"}", end) == 1:
        return payload[1:end]
    return codec.encode({"f": job.name, "a": job.args, "k": job.kwargs})[1:-1]


def cut(name: str) -> str:
    """Return a name cut to the length of a job's name, and marked if it was longer."""
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}..."


def encode_result(
    verdict: Verdict,
    *,
    job_id: str,
    attempt: int,
    worker: str,
    job: JobRecord | None,
    call: bytes = b"",
    batch: str | None = None,
    slot: int = 0,
    times: Times,
    queue: str,
    history: Sequence[dict[str, Any]] = (),
) -> bytes:
    """Encode arq's result record plus our fields; without `call` it repeats the name alone."""
    status, result, fields, value, _, group = verdict
    if not call:
        call = codec.encode({"f": cut(job.name) if job else UNKNOWN, "a": (), "k": {}})[1:-1]
    started, finished = times
    return _RESULT % (
        worker.encode(),
        attempt,
        # The id of a slot is made of its batch's, which is encoded once.
        codec.encode(job_id) if batch is None else b'%b:%d"' % (_text(batch)[:-1], slot),
        status.encode(),
        b',"sig":"%b"' % group.sig.encode() if group else b"",
        b"true" if status == "succeeded" else b"false",
        codec.encode(result) if value is None else value,
        call,
        b"null" if batch is None else _text(batch),
        slot,
        job.enqueued if job else finished,
        b"null" if started is None else b"%d" % started,
        finished,
        _text(queue),
        b"," + codec.encode(fields)[1:-1] if fields else b"",
        b',"history":' + encode_history(history) if history else b"",
    )


@lru_cache(maxsize=256)
def _text(text: str) -> bytes:
    """Encode a text that many results repeat."""
    return codec.encode(text)


def encode_history(history: Sequence[dict[str, Any]]) -> bytes:
    """Encode the earlier attempts; if they are too long, without the errors of the oldest."""
    entries = [codec.encode(entry) for entry in history]
    size = sum(map(len, entries)) + len(entries)
    for i, entry in enumerate(history):
        if size <= MAX_HISTORY:
            break
        size -= len(entries[i])
        entries[i] = codec.encode({**entry, "error": LEFT_OUT})
        size += len(entries[i])
    return b"[%b]" % b",".join(entries)


def encode_attempt(
    attempt: int,
    worker: str,
    status: str,
    error: ErrorInfo | None,
    times: Times,
    span: str = "",
) -> bytes:
    """Encode an attempt that has ended, for the history of its job; `span` is its traceparent."""
    record = {"attempt": attempt, "worker": worker, "status": status, "error": error}
    if span:
        record["trace"] = span
    return _entry({**record, "st": times.started, "ft": times.finished})


def _entry(record: dict[str, Any]) -> bytes:
    """Encode an entry of a history; a long error is shortened."""
    entry = codec.encode(record)
    if len(entry) > MAX_ENTRY and record["error"]:
        error = ErrorInfo.model_validate(record["error"])
        entry = codec.encode({**record, "error": error.shortened()})
    return entry


# By the status alone: trying every member of the union takes ten times as long.
_OUTCOME: TypeAdapter[AnyOutcome] = TypeAdapter(
    Annotated[AnyOutcome, Field(discriminator="status")]
)


def decode_result(payload: bytes) -> AnyOutcome:
    """Decode an outcome; raises ValueError (pydantic's) for anything else, or over the limit."""
    check_size(payload, MAX_RECORD)
    outcome: AnyOutcome = _OUTCOME.validator.validate_json(payload)
    return outcome


#: The signature in a result.
_SIGNATURE = re.compile(rb'{"worker":.{0,900}?,"status":"\w+","sig":"([0-9a-f]{8})"', re.DOTALL)


def signature_in(payload: bytes | None) -> str:
    """Return the signature that a result begins with; empty where there is none."""
    found = _SIGNATURE.match(payload or b"", 0, 1024)
    return found[1].decode() if found else ""


class EndedResult(NamedTuple):
    """A result as a redrive needs it."""

    head: str
    attempt: int
    status: str
    #: Signature of its group; empty in records of earlier versions.
    signature: str
    record: dict[str, Any]

    @classmethod
    def read(cls, payload: bytes) -> "EndedResult":
        """Decode a result; raises ValueError, KeyError or TypeError for anything else."""
        check_size(payload, MAX_RECORD)
        record: dict[str, Any] = codec.from_json(payload)
        head = result_head(record["worker"], record["t"])
        signature = signature_in(payload)
        return cls(head, record["t"], record["status"], signature, record)

    def entries(self) -> list[bytes]:
        """Return its attempts for the history of the job, each a JSON object, oldest first."""
        entries: list[dict[str, Any]] = list(self.record.get("history", ()))
        if self.record["worker"]:  # without one, the job ended in the queue: it has no attempt
            names = {"attempt": "t", "worker": "worker", "status": "status", "error": "error"}
            names |= {"st": "st", "ft": "ft"}
            entries.append({name: self.record.get(field) for name, field in names.items()})
        return [_entry(entry) for entry in entries]


def job_serializer(record: dict[str, Any]) -> bytes:
    """Encode arq's records as JSON: for `arq.create_pool(job_serializer=)`."""
    return codec.encode(record)


def job_deserializer(payload: bytes) -> dict[str, Any]:
    """Decode our jobs and results for arq: `Job(id, redis, _deserializer=job_deserializer)`."""
    if len(payload) > MAX_JOB:
        raise ValueError(f"it is {len(payload):,} bytes, the limit is {MAX_JOB:,}")
    record: dict[str, Any] = codec.from_json(payload)
    if "status" in record:
        outcome = decode_result(payload)
        if not isinstance(outcome, Succeeded):
            record["r"] = exception_of(outcome)
        record["st"] = record["st"] or record["ft"]
    return record
