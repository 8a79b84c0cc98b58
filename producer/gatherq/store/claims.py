"""What the steps of a worker answer, as values: reading it never raises, whatever is in Redis."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


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
    #: The deadline of its batch.
    deadline: Deadline | None = None
    #: Entries of its history, as JSON.
    history: Sequence[bytes] = ()


class BatchFacts(NamedTuple):
    """What a claim tells of a batch."""

    size: int
    life: str
    deadline: Deadline | None


def text(raw: bytes) -> str:
    """Return a text that the steps took for UTF-8, or show where it is not."""
    return raw.decode("utf-8", "backslashreplace")


def texts(raw: Iterable[bytes]) -> list[str]:
    """Return texts."""
    return [text(part) for part in raw]


def batch_facts(raw: Sequence[Any]) -> dict[str, BatchFacts]:
    """Read what a claim tells of batches: id, size, life, deadline and limit (ms, or empty)."""
    told = {}
    for at in range(0, len(raw) - 4, 5):
        batch, size, life, ends, limit = texts(raw[at : at + 5])
        deadline = Deadline(int(ends), int(limit or 0) / 1000) if ends else None
        told[batch] = BatchFacts(int(size), life, deadline)
    return told


def slot_in(end: str, size: int) -> int | None:
    """Return the slot that the end of an id names, in a batch of that size; None if it is none."""
    try:
        slot = int(end)
    except ValueError:
        return None
    return slot if 0 <= slot < size and str(slot) == end else None


def held_one(id_: bytes, number: int, claim: int, life: bytes, size: int, job: Any) -> Claimed:
    """Read one of the jobs that a worker holds."""
    job_id = text(id_)
    batch, _, end = job_id.rpartition(":")
    slot = slot_in(end, size)
    if slot is None:
        return Claimed(job_id, number, job, claim=claim)
    return Claimed(job_id, number, job, 0, batch, slot, text(life), claim)
