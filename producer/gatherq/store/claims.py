"""Redis's replies as values; whatever stands in Redis, reading it never raises."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gatherq_worker.attempt import Claimed, Deadline


class Told(NamedTuple):
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


def told_of(raw: Sequence[Any]) -> dict[str, Told]:
    """Read what a claim tells of batches: id, size, life, deadline and limit (ms, or empty)."""
    told = {}
    for at in range(0, len(raw) - 4, 5):
        batch, size, life, ends, limit = texts(raw[at : at + 5])
        deadline = Deadline(int(ends), int(limit or 0) / 1000) if ends else None
        told[batch] = Told(int(size), life, deadline)
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
