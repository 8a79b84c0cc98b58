"""Redis's replies as values; whatever stands in Redis, reading it never raises."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .attempt import Claimed, Deadline


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


def slot_of(job_id: str) -> tuple[str, int]:
    """Return the batch and slot that an id names; an id alone makes nothing a slot."""
    batch, _, slot = job_id.rpartition(":")
    if not (slot.isascii() and slot.isdigit() and len(slot) <= 15 and str(int(slot)) == slot):
        return "", 0
    return batch, int(slot)


def held_one(id_: bytes, number: int, claim: int, life: bytes, size: int, job: Any) -> Claimed:
    """Read one of the jobs that a worker holds."""
    job_id = text(id_)
    batch, slot = slot_of(job_id)
    claimed = Claimed(job_id, number, job, claim=claim)
    if not batch or not slot < size:
        return claimed
    return claimed._replace(batch=batch, slot=slot, life=text(life))
