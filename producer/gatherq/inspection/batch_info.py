"""A batch as its hash tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from gatherq.contract.keys import KeySpace
from gatherq.contract.validation import MAX_JOBS, MAX_PRIORITY
from gatherq.store.outside import outside_of
from gatherq.telemetry.trace_field import trace_id

from .field_values import counts_of, moment, time, whole

#: `queued`: nothing of it was started yet. `failed`: it has ended, and something of it failed, ran
#: out of time or was lost; `cancelled`: the same for cancellations alone. `ended`: a plain arq job,
#: and how it ended only arq can read.
BatchState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled", "ended"]
#: Fields of the hash that are attributes under the same name.
_NUMBERS = (
    *("running", "parked", "succeeded", "failed", "timed_out", "cancelled", "lost"),
    "generation",
)
_TEXTS = ("queue", "label", "kind", "by", "parent", "cancelled_by")
_TIMES = ("created", "started", "ended", "expires", "deadline", "leased", "starts")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInfo:
    """A batch, at the time of a look; times are those of Redis's clock, in UTC.

    What an earlier version of gatherq has written has no `started`, `ended`, `names`, `kind`, `by`.
    """

    id: str
    queue: str = ""
    #: Number of slots, and how many of them are in each state.
    size: int
    running: int = 0
    #: Slots that limits hold back: not let into the queue yet; and in a lane, or at a gate.
    outside: int = 0
    parked: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    lost: int = 0
    #: When it was submitted, its first job was started, its last ended, and when its data goes.
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    expires: datetime | None = None
    #: When it must have ended, and that limit in seconds.
    deadline: datetime | None = None
    limit: float | None = None
    #: What its producer calls it, and how it was submitted: `submit`, `gather`, ...
    label: str = ""
    kind: str = ""
    #: Its producer, `host.pid`, and the job that it was submitted in.
    by: str = ""
    parent: str = ""
    #: Id of the trace that it was submitted in, 32 hex digits; empty where there was none.
    trace: str = ""
    #: How many slots call each job; "" counts those of further names.
    names: Mapping[str, int] = field(default_factory=dict)
    #: How often it was redriven.
    generation: int = 0
    cancelled_by: str = ""
    #: How many of its jobs may fail; None for all.
    tolerate: int | None = None
    #: How many of its jobs may be at work, and start in a second; None for no limit.
    max_at_once: int | None = None
    max_per_second: float | None = None
    #: Its place among others, from -9 to 9, higher first; and from when on its jobs may start.
    priority: int = 0
    starts: datetime | None = None
    #: Where so many start in a second: from when on the next one may.
    next_start: datetime | None = None
    #: When its producer must have renewed its lease.
    leased: datetime | None = None
    #: How many slots its producer has written; less than `size` while it submits.
    written: int = 0
    #: Whether it is a plain arq job; and 1 where how that ended only arq can read.
    arq: bool = False
    unread: int = 0

    @property
    def finished(self) -> int:
        """Slots with an outcome."""
        return self.succeeded + self.bad + self.cancelled + self.unread

    @property
    def bad(self) -> int:
        """Slots that failed, ran out of time or were lost."""
        return self.failed + self.timed_out + self.lost

    @property
    def waiting(self) -> int:
        """Slots that limits hold back."""
        return min(self.outside + self.parked, max(self.left - self.running, 0))

    @property
    def queued(self) -> int:
        """Slots that wait for their first attempt, and that no limit holds back."""
        return max(self.left - self.running - self.waiting, 0)

    @property
    def idle_since(self) -> datetime | None:
        """Since when nothing of it runs, at the earliest, if nothing does."""
        times = (self.started or self.created, self.starts, self.next_start)
        return max(filter(None, times), default=None)

    @property
    def left(self) -> int:
        """Slots without an outcome."""
        return max(self.size - self.finished, 0)

    @property
    def state(self) -> BatchState:
        """Where it stands, in a word."""
        if self.left:
            return "running" if self.finished or self.running else "queued"
        if self.bad:
            return "failed"
        if self.unread:
            return "ended"
        return "cancelled" if self.cancelled else "succeeded"


def keys_of(batch: BatchInfo, own: KeySpace) -> KeySpace:
    """Return the keys of the queue that a batch is in, which need not be the one looked at."""
    return KeySpace(batch.queue or own.queue, own.database)


def read_batch(id_: str, fields: Mapping[str, str]) -> BatchInfo | None:
    """Read the hash of a batch; None for one that is being deleted, or is none of ours."""
    size = whole(fields.get("size"))
    if size is None or size > MAX_JOBS:
        return None
    limit, written = whole(fields.get("limit")), whole(fields.get("written"))
    interval = whole(fields.get("interval"))
    given: dict[str, Any] = {name: whole(fields.get(name)) or 0 for name in _NUMBERS}
    given |= {name: fields.get(name, "") for name in _TEXTS}
    given |= {name: time(whole(fields.get(name))) for name in _TIMES}
    return BatchInfo(
        id=id_,
        size=size,
        limit=None if limit is None else limit / 1000,
        names=counts_of(fields.get("names")),
        trace=trace_id(fields.get("trace", "")),
        outside=outside_of(fields).total,
        tolerate=whole(fields.get("tolerate")),
        max_at_once=whole(fields.get("max_at_once")),
        max_per_second=1_000_000 / interval if interval else None,
        next_start=moment(fields.get("turn")) if interval else None,
        priority=_priority(fields.get("priority")),
        written=size if written is None else min(written, size),
        **given,
    )


def _priority(text: str | None) -> int:
    level = whole((text or "").removeprefix("-")) or 0
    if level > MAX_PRIORITY:
        return 0
    return -level if (text or "").startswith("-") else level
