"""One execution of a job, from its claim to its record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gatherq.codec import from_json
from gatherq.outcomes import AttemptInfo
from gatherq.wire import ECHOED_ARGUMENTS, UNKNOWN, JobRecord, decode_job, identity

PICKLED = (
    "it is pickled, and this worker reads JSON. Start the worker with --arq-pickle to accept what "
    "arq's producers write by default, or write JSON: arq.create_pool(..., "
    "job_serializer=gatherq.wire.job_serializer, job_deserializer=gatherq.wire.job_deserializer)"
)


class Deadline(NamedTuple):
    """When a batch must have ended, in ms of Redis's clock, and its limit in seconds."""

    at: int
    limit: float


class Claimed(NamedTuple):
    """A job as a claim hands it over. Its batch and slot are those of its id, not of its data."""

    job_id: str
    number: int
    payload: bytes | None = None
    #: When it was to run (ms), by its place in the queue.
    score: int = 0
    #: The batch that it is a slot of; None for a job of its own.
    batch: str | None = None
    slot: int = 0
    #: Tells this life of the batch from another under the same id.
    life: str = ""
    #: Number of the claim that took it: its token has it, so that no two claims share one.
    claim: int = 0
    #: Why there is no payload, if there was one.
    problem: str = ""


@dataclass(slots=True, eq=False)
class Attempt:
    """A claimed job; `job` is None where its data is missing or damaged, and `problem` says so."""

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
    #: Number of the claim that took it.
    claim: int = 0
    #: The call as its producer wrote it, `"f":...,"a":...,"k":...`, if it is short: results
    #: repeat it.
    call: bytes = b""
    #: The deadline of its batch.
    batch_deadline: Deadline | None = None
    #: When it was to run (ms), by its place in the queue.
    score: int = 0
    #: Whether its producer reads another format than ours: its result is written in that.
    foreign: bool = False
    #: What it raised, for results in another format.
    raised: BaseException | None = None
    #: Who asked for its cancellation, once somebody has.
    cancelled_by: str | None = None
    #: Whether its outcome is on its way.
    handed_over: bool = False
    #: Whether it is to be run again, by whom it may be.
    given_back: bool = False
    #: Whether it is this worker's no longer: released, or taken over.
    dropped: bool = False
    #: `time.monotonic()` at which its limit is reached, and by when it must have ended.
    deadline: float | None = None
    overdue: float | None = None
    #: Seconds that it gets to end, once it is asked to.
    grace: float = 0.5
    limit: float | None = None
    which: str = "execution"
    #: When it was started, in ms of Redis's clock.
    started: int | None = None
    #: Whether it runs outside of the loop: in a process of its own, unless it is a thread's.
    isolated: bool = False
    #: The attempts before it.
    history: tuple[dict[str, Any], ...] = ()

    @classmethod
    def read(cls, claimed: Claimed) -> "Attempt":
        """Read the job of a claim; never raises."""
        payload = claimed.payload
        if payload is None:
            problem = claimed.problem or "its data has expired or was deleted"
            return cls.of(claimed, None, problem=problem)
        try:
            return cls.of(claimed, decode_job(payload))
        except ValueError as error:
            if payload[:1] == b"\x80":
                problem = PICKLED
            else:
                problem = f"its data is damaged: {str(error)[:500]}"
            return cls.of(claimed, None, problem=problem)

    @classmethod
    def of(cls, claimed: Claimed, job: JobRecord | None, **more: Any) -> "Attempt":
        """Make one of a claim and the job that was read in it."""
        id_, number, data, score, batch, slot, life, claim, _ = claimed
        payload = data or b""
        attempt = cls(id_, number, job, len(payload), batch=batch, slot=slot, **more)
        attempt.life, attempt.claim, attempt.score = life, claim, score
        if job is not None and len(payload) <= ECHOED_ARGUMENTS:
            attempt.call = identity(payload)[1:]
        return attempt

    def remember(self, entries: Sequence[bytes]) -> None:
        """Take over the history that a claim brought; what is damaged is left out."""
        self.history = tuple(entry for raw in entries if (entry := _entry(raw)))

    @property
    def suspect(self) -> bool:
        """Whether it is to run apart: it took its worker down, or may have done so again.

        Who died beside others, once, and by no doing of theirs, is nobody to be afraid of.
        """
        deaths = [entry for entry in self.history if entry["status"] in ("died", "lost")]
        if not deaths:
            return False
        last = deaths[-1]
        innocent = last.get("lapsed") or (last.get("beside") and last.get("killed"))
        return len(deaths) > 1 or not innocent

    @property
    def settled(self) -> bool:
        """Whether nothing more is to come of it: its outcome is on its way, or it is not ours."""
        return self.handed_over or self.dropped or self.given_back

    @property
    def name(self) -> str:
        """Name of the job, as far as it is known."""
        return self.job.name if self.job else UNKNOWN

    @property
    def job_try(self) -> int:
        """Number of this attempt as arq counts: its producer may begin at another than 1."""
        first = self.job.attempt if self.job else None
        return self.number + max((first or 1) - 1, 0)


def _entry(raw: bytes) -> dict[str, Any] | None:
    try:
        AttemptInfo.model_validate_json(raw)
    except Exception:  # whatever stands there
        return None
    entry: dict[str, Any] = from_json(raw)
    return entry
