"""The two records both sides share: a job and a result, each as JSON with arq's field names.

Source: `arq.jobs.serialize_job` and `serialize_result` (arq 0.28); fields of more than one letter
are ours.
"""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter

from . import codec
from .calls import Call
from .outcomes import AnyOutcome, Status, Succeeded, exception_of
from .remote import ErrorInfo

#: Arguments are copied into the result only from jobs up to this size, in bytes.
ECHOED_ARGUMENTS = 4096
#: Name of a job whose data is missing or damaged.
UNKNOWN = "<unknown>"


class JobRecord(BaseModel):
    """A job as it stands in `arq:job:<id>`."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(validation_alias="f")
    args: list[Any] = Field(validation_alias="a")
    kwargs: dict[str, Any] = Field(validation_alias="k")
    enqueued: int = Field(validation_alias="et", ge=0, lt=10**14)
    attempt: int | None = Field(validation_alias="t", default=None)
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    #: Seconds from `enqueued` in which it must have begun.
    queue_timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    #: Attempts that it had before it was last redriven.
    base: NonNegativeInt = 0


#: What follows the name and the arguments; the Lua steps look for it too.
_AFTER_CALL = b',"t":null,"timeout":'


def encode_job(
    call: Call[Any],
    batch: str,
    slot: int,
    timeout: float | None,
    queue_timeout: float | None = None,
) -> bytes:
    """Write a job without its closing brace: submit adds the time it was enqueued.

    The Lua steps rely on the order of the fields.
    """
    record: dict[str, Any] = {
        "f": call.name,
        "a": call.args,
        "k": call.kwargs or {},
        "t": None,
        "timeout": timeout if call.timeout is None else call.timeout,
        "batch": batch,
        "slot": slot,
    }
    wait = queue_timeout if call.queue_timeout is None else call.queue_timeout
    if wait is not None:
        record["queue_timeout"] = wait
    return codec.encode(record)[:-1]


def identity(job: bytes) -> bytes:
    """Return the part of a written job that says what is called, and with which arguments.

    Empty for a job that is not of our format.
    """
    return job[: max(job.rfind(_AFTER_CALL), 0)]


def decode_job(payload: bytes) -> JobRecord:
    """Read a job; raises ValueError (pydantic's) for anything else."""
    return JobRecord.model_validate_json(payload)


def result_head(worker: str, attempt: int) -> str:
    """Begin every result: finish.lua tells by it who recorded a job."""
    return f'{{"worker":"{worker}","t":{attempt},'


class Verdict(NamedTuple):
    """The part of a result that an execution decides: its status, and what goes with it."""

    status: Status
    #: The value of a job that succeeded, else a line for people.
    result: Any
    #: What the outcome of this status has beside: error, which, limit, by, attempts.
    fields: dict[str, Any] = {}  # noqa: RUF012 (never changed)


class Times(NamedTuple):
    """Milliseconds of Redis's clock; `started` is None for what was never run."""

    started: int | None
    finished: int


def encode_result(
    verdict: Verdict,
    *,
    job_id: str,
    attempt: int,
    worker: str,
    job: JobRecord | None,
    batch: str | None = None,
    slot: int = 0,
    times: Times,
    queue: str,
    echo: bool,
    history: Sequence[dict[str, Any]] = (),
) -> bytes:
    """Write arq's result record plus our fields; `echo` keeps the arguments."""
    record: dict[str, Any] = {
        "worker": worker,
        "t": attempt,
        "id": job_id,
        "status": verdict.status,
        "s": verdict.status == "succeeded",
        "r": verdict.result,
        "f": job.name if job else UNKNOWN,
        "a": job.args if job and echo else (),
        "k": job.kwargs if job and echo else {},
        "batch": batch,
        "slot": slot,
        "et": job.enqueued if job else times.finished,
        "st": times.started,
        "ft": times.finished,
        "q": queue,
        **verdict.fields,
    }
    if history:
        record["history"] = history
    return codec.encode(record)


def encode_attempt(
    attempt: int, worker: str, status: str, error: ErrorInfo | None, times: Times
) -> bytes:
    """Write an ended attempt, for the history of its job."""
    record = {"attempt": attempt, "worker": worker, "status": status, "error": error}
    return codec.encode({**record, "st": times.started, "ft": times.finished})


# By its status alone: to try every member costs ten times as much.
_OUTCOME: TypeAdapter[AnyOutcome] = TypeAdapter(
    Annotated[AnyOutcome, Field(discriminator="status")]
)


def decode_result(payload: bytes) -> AnyOutcome:
    """Read an outcome; raises ValueError (pydantic's) for anything else."""
    return _OUTCOME.validate_json(payload)


class Ended(NamedTuple):
    """What a redrive needs of a result."""

    head: str
    attempt: int
    status: str
    record: dict[str, Any]

    @classmethod
    def read(cls, payload: bytes) -> "Ended":
        """Read a result."""
        record: dict[str, Any] = codec.from_json(payload)
        head = result_head(record["worker"], record["t"])
        return cls(head, record["t"], record["status"], record)

    def entries(self) -> list[bytes]:
        """Return what the history of the job keeps of it: a JSON object an attempt."""
        entries: list[dict[str, Any]] = list(self.record.get("history", ()))
        if self.record["worker"]:  # not where the queued job was ended: nobody ran it
            names = {"attempt": "t", "worker": "worker", "status": "status", "error": "error"}
            names |= {"st": "st", "ft": "ft"}
            entries.append({name: self.record.get(field) for name, field in names.items()})
        return [codec.encode(entry) for entry in entries]


def job_serializer(record: dict[str, Any]) -> bytes:
    """Write arq's records as JSON: for `arq.create_pool(job_serializer=)`."""
    return codec.encode(record)


def job_deserializer(payload: bytes) -> dict[str, Any]:
    """Read our jobs and results for arq: `Job(id, redis, _deserializer=job_deserializer)`."""
    record: dict[str, Any] = codec.from_json(payload)
    if "status" in record:
        outcome = decode_result(payload)
        if not isinstance(outcome, Succeeded):
            record["r"] = exception_of(outcome)
        record["st"] = record["st"] or record["ft"]
    return record
