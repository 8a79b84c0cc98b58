"""Claims, as the job steps reply with them: reading a reply never raises, whatever is in Redis."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol


class Fenced(Protocol):
    """A claim, as told from any other claim of its job and from another life of its batch."""

    @property
    def job_id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def claim(self) -> int: ...
    @property
    def batch(self) -> str | None: ...
    @property
    def life(self) -> str: ...


class Releasable(Fenced, Protocol):
    """A claim that can be given back."""

    @property
    def priority(self) -> int: ...


class Parkable(Fenced, Protocol):
    """A claim that can be parked."""

    @property
    def place(self) -> str: ...


class Recordable(Fenced, Protocol):
    """An attempt whose outcome can be recorded."""

    @property
    def slot(self) -> int: ...
    @property
    def history(self) -> Sequence[Any]: ...


class Deadline(NamedTuple):
    """When a batch must have ended, in ms of Redis's clock, and its limit in seconds."""

    at: int
    limit: float


class ClaimedJob(NamedTuple):
    """A claimed job. Its batch and slot are read from its id, and not from its data."""

    job_id: str
    number: int
    payload: bytes | None = None
    #: When it was to run (ms), by its score in the queue; 0 where that does not say.
    score: int = 0
    #: The batch that it is a slot of; None for a job without a batch.
    batch: str | None = None
    slot: int = 0
    #: Tells this life of the batch from another under the same id.
    life: str = ""
    #: Number of the claim; part of the token, so that no two claims of a job share one.
    claim: int = 0
    #: Why the payload was not handed over, if there is one.
    problem: str = ""
    #: The deadline of its batch.
    deadline: Deadline | None = None
    #: Entries of its history, as JSON.
    history: Sequence[bytes] = ()
    #: The trace context of its batch; empty for none.
    trace: str = ""
    #: Its score in the queue, as Redis wrote it.
    place: str = "0"

    @property
    def priority(self) -> int:
        """What is known of it without its data."""
        return 0


class BatchFacts(NamedTuple):
    """What the reply to a claim says of a batch."""

    size: int
    life: str
    deadline: Deadline | None
    trace: str = ""


def text(raw: bytes) -> str:
    """Decode a text; bytes that are no UTF-8 are shown as escapes."""
    return raw.decode("utf-8", "backslashreplace")


def texts(raw: Iterable[bytes]) -> list[str]:
    """Decode texts."""
    return [text(part) for part in raw]


#: Scores of jobs of each level below 0 stand so far behind those of the level above.
BAND = 10**13
#: How many bands there are: the first is of all priorities from 0 on.
LEVELS = 10


def due_of(place: str) -> int:
    """Return when a job was to run (ms), by its score in the queue."""
    score = float(place)
    return int(score) % BAND if math.isfinite(score) else 0


def time_in(score: float | None) -> float | None:
    """Return when a job may be claimed (ms), by its score in the queue."""
    return None if score is None else score % BAND if BAND <= score < LEVELS * BAND else score


def batch_facts(raw: Sequence[Any]) -> dict[str, BatchFacts]:
    """Read the batches in a reply: id, size, life, deadline, its length (ms, or empty), trace."""
    facts = {}
    for at in range(0, len(raw) - 5, 6):
        batch, size, life, ends, limit, trace = texts(raw[at : at + 6])
        deadline = Deadline(int(ends), int(limit or 0) / 1000) if ends else None
        facts[batch] = BatchFacts(int(size), life, deadline, trace)
    return facts


def slot_in(end: str, size: int) -> int | None:
    """Return the slot that the end of an id names; None if a batch of that size has none such."""
    try:
        slot = int(end)
    except ValueError:
        return None
    return slot if 0 <= slot < size and str(slot) == end else None


def claim_found(
    id_: bytes, number: int, claim: int, life: bytes, size: int, job: Any
) -> ClaimedJob:
    """Read one claim in the reply of find_claims.lua."""
    job_id = text(id_)
    batch, _, end = job_id.rpartition(":")
    slot = slot_in(end, size)
    if slot is None:
        return ClaimedJob(job_id, number, job, claim=claim)
    return ClaimedJob(job_id, number, job, 0, batch, slot, text(life), claim)
