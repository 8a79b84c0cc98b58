"""A gate as its keys tell of it."""

from dataclasses import dataclass
from datetime import datetime

from gatherq.inspection.field_values import moment, whole
from gatherq.store.inspection.gate_records import GateFields

from .places import gate_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInfo:
    """A gate, at the time of a look: of the jobs that share it only so many run, or start."""

    #: `fetch`, or with `per=` the argument too: `fetch:"host"`; and the job that it is of.
    name: str
    job: str
    #: Jobs inside, the ids of the eldest of them, and jobs that wait.
    holders: int = 0
    inside: tuple[str, ...] = ()
    waiting: int = 0
    #: How many may be inside, and start in a second; None for no limit.
    max_at_once: int | None = None
    max_per_second: float | None = None
    #: From when on the next may start, where so many start in a second.
    next_start: datetime | None = None

    @property
    def full(self) -> bool:
        """Whether as many are inside as may be."""
        return self.max_at_once is not None and self.holders >= self.max_at_once


def read_gate(found: GateFields) -> GateInfo:
    """Read what stands in Redis of a gate."""
    interval = whole(found.fields.get("interval"))
    return GateInfo(
        name=found.name,
        job=gate_parts(found.name)[0],
        holders=found.holders,
        inside=tuple(found.inside),
        waiting=found.waiting,
        max_at_once=whole(found.fields.get("most")),
        max_per_second=1_000_000 / interval if interval else None,
        next_start=moment(found.fields.get("turn")) if interval else None,
    )
