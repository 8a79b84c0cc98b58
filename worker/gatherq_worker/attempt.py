"""An attempt: one try of a job, from its claim to its record."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gatherq.contract.current_job import JobProgress
from gatherq.contract.outcomes import AttemptInfo
from gatherq.contract.records import (
    ECHOED_ARGUMENTS,
    UNKNOWN,
    JobRecord,
    Times,
    call_of,
    cut,
    decode_job,
)
from gatherq.contract.values.codec import Encoder, from_json
from gatherq.contract.values.json_limits import check_readable
from gatherq.contract.values.unannotated_values import plain
from gatherq.store.claims import ClaimedJob, Deadline

#: A priority above 0 shifts a job's score in the queue back, by so many ms a level.
_LEVEL = 3_600_000
#: Largest entry of a history that is read, in bytes: none that we write comes near it.
_MAX_ENTRY = 1024 * 1024
PICKLED = (
    "it is pickled, and this worker reads JSON. Start the worker with --arq-pickle to accept what "
    "arq's producers write by default, or write JSON: arq.create_pool(..., "
    "job_serializer=gatherq.wire.job_serializer, job_deserializer=gatherq.wire.job_deserializer)"
)


class State(enum.IntEnum):
    """How far an attempt is; engine/attempts.py draws the transitions, and alone makes them.

    From RECORDING on an attempt is concluded.
    """

    #: This worker holds it, and has not started it.
    CLAIMED = 1
    #: It has a task, and may wait for a place; none of the job's code has run.
    WAITING = 2
    #: The job's code runs, or hooks around it.
    RUNNING = 3
    #: Its outcome is on its way to Redis.
    RECORDING = 4
    #: It is on its way back to the queue.
    RELEASING = 5
    #: Another worker has claimed the job, or its batch is gone.
    LOST = 6
    #: Redis has its outcome, or the job is in the queue again.
    GONE = 7


_RECORDING = State.RECORDING  # to look it up in the enumeration costs several times as much


class Place(Protocol):
    """Capacity that an attempt holds while it runs."""

    def free(self) -> None:
        """Give it back; a second call does nothing."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One try of a job; `job` is None where its data is missing or damaged, as `problem` says."""

    job_id: str
    number: int
    job: JobRecord | None
    size: int = 0
    problem: str = ""
    #: The batch that it is a slot of; None for a job of its own.
    batch: str | None = None
    slot: int = 0
    #: Tells this life of the batch from another under the same id.
    life: str = ""
    #: Number of the claim that it came with.
    claim: int = 0
    #: The call as it came, `"f":...,"a":...,"k":...`, if it is short: results repeat it, whatever
    #: the job does to its arguments.
    call: bytes = b""
    #: The deadline of its batch, if that has one.
    batch_deadline: Deadline | None = None
    #: When it was to run (ms), by its place in the queue; else when it was enqueued.
    score: int = 0
    #: Its score in the queue, as Redis wrote it.
    place: str = "0"
    #: Whether its producer reads another format than ours: its result is written in that.
    other_format: bool = False
    #: Makes of its value what JSON writes in its place.
    prepare: Encoder = plain
    #: What it raised, for results in another format.
    raised: BaseException | None = None
    #: Its error as an event of Sentry's, in JSON, where it ran in a process of its own.
    report: str | None = None
    #: What the log shows of its value or error.
    shown: Any = None
    #: Who asked for its cancellation, once somebody has.
    cancelled_by: str | None = None
    state: State = State.CLAIMED
    #: Whether its code and the hook behind it have ended; the last hook may still run.
    has_ended: bool = False
    #: `time.monotonic()` at which its limit is reached, and at which its grace is over.
    deadline: float | None = None
    overdue: float | None = None
    #: Seconds that it gets to end, once it is asked to.
    grace: float = 0.5
    #: The limit that applies, as it was set (s), and whose it is: execution, or batch.
    limit: float | None = None
    which: str = "execution"
    #: When it was started, in ms of Redis's clock.
    started: int | None = None
    #: Whether it must run in a process of its own: it took a worker process down, or may have.
    apart: bool = False
    #: Where its code runs: `loop`, `thread` or `process`; empty before it does.
    where: str = ""
    #: How far it is, as it says.
    progress: JobProgress | None = None
    #: When it started and ended, once it has an outcome.
    times: Times | None = None
    #: The places that it holds.
    places: tuple[Place, ...] = ()
    #: The attempts before this one, as their history keeps them.
    history: tuple[dict[str, Any], ...] = ()
    #: The trace context of its batch, as the producer wrote it; empty for none.
    trace: str = ""
    #: The traceparent of its own span; empty where there is none.
    span: str = ""
    #: Name of the job, as far as it is known.
    name: str = field(init=False, default=UNKNOWN)

    def __post_init__(self) -> None:
        if self.job is not None:
            self.name = cut(self.job.name)

    @classmethod
    def read(cls, claimed: ClaimedJob) -> "Attempt":
        """Read the job of a claim; never raises."""
        payload = claimed.payload
        if payload is None:
            problem = claimed.problem or "its data has expired or was deleted"
            return cls.of(claimed, None, problem=problem)
        try:
            job = decode_job(payload)
            if claimed.batch and (job.batch, job.slot) != (claimed.batch, claimed.slot):
                return cls.of(claimed, None, problem="its data is of another job")
            return cls.of(claimed, job)
        except (ValueError, RecursionError) as error:
            if payload[:1] == b"\x80":
                problem = PICKLED
            else:
                problem = f"its data is damaged: {str(error)[:500]}"
            return cls.of(claimed, None, problem=problem)

    @classmethod
    def of(
        cls,
        claimed: ClaimedJob,
        job: JobRecord | None,
        problem: str = "",
        *,
        other_format: bool = False,
    ) -> "Attempt":
        """Make the attempt of a claimed job; `job` is its data, read in our format or another."""
        id_, number, payload, score, batch, slot, life, claim = claimed[:8]
        _, deadline, entries, trace, place = claimed[8:]
        size, call = 0 if payload is None else len(payload), b""
        if (
            payload is not None
            and job is not None
            and not other_format
            and size <= ECHOED_ARGUMENTS
        ):
            call = call_of(job, payload)
        of_batch = (batch, slot, life, claim, call, deadline)
        attempt = cls(
            id_, number, job, size, problem, *of_batch, score=score, other_format=other_format
        )
        attempt.trace, attempt.place = trace, place
        if job is not None and job.priority > 0 and 0 < score < job.enqueued:
            attempt.score += job.priority * _LEVEL
        if job is not None and not score:
            attempt.score = job.enqueued + round(job.delay * 1000)
        if entries:
            attempt.remember(entries)
        return attempt

    def remember(self, entries: Sequence[bytes]) -> None:
        """Read the history that a claim brought; damaged entries are left out."""
        self.history = tuple(entry for raw in entries if (entry := _entry(raw)))

    def free(self) -> None:
        """Give back the places that it holds, so that others can begin."""
        for place in self.places:
            place.free()
        self.places = ()

    def tell(self, progress: JobProgress) -> None:
        """Keep how far it is; from any thread."""
        self.progress = progress

    @property
    def outside(self) -> bool:
        """Whether its code runs in a thread or a process, and not in the event loop."""
        return self.where in ("thread", "process")

    @property
    def suspect(self) -> bool:
        """Whether it must run apart: it took a worker process down, or may have.

        The first death of a machine, or of a process that somebody killed, makes no job suspect. A
        death that others ran beside does: else the next one would be charged to all of them again.
        """
        deaths = [entry for entry in self.history if entry["status"] in ("died", "lost")]
        if not deaths:
            return False
        innocent = deaths[-1].get("lapsed") or deaths[-1].get("killed")
        return len(deaths) > 1 or not innocent

    @property
    def concluded(self) -> bool:
        """Whether an outcome or a release is on its way or in Redis, or another worker has it."""
        return self.state >= _RECORDING

    @property
    def priority(self) -> int:
        """From -9 to 9, higher first."""
        return self.job.priority if self.job else 0

    @property
    def job_try(self) -> int:
        """Number of this attempt as arq counts: its producer may begin at another than 1."""
        first = self.job.attempt if self.job else None
        return self.number + max((first or 1) - 1, 0)


def _entry(raw: bytes) -> dict[str, Any] | None:
    """Read an attempt that ended; None for anything else."""
    if len(raw) > _MAX_ENTRY:
        return None
    try:
        info = AttemptInfo.model_validate_json(raw)
        check_readable(raw)
        entry: dict[str, Any] = from_json(raw)
    except Exception:  # whatever stands there
        return None
    return {**entry, "attempt": info.attempt}
