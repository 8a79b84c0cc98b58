"""Events: who did what, and what happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gatherq.store.inspection.event_records import EventFields

from .field_values import time, whole

_TEXTS = ("event", "batch", "worker", "by")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInfo:
    """Something that happened on a queue: to a batch, to a worker, or to the server."""

    #: Its place among the others: `MS-N`.
    id: str
    time: datetime | None
    #: What happened: `submitted`, `ended`, `redriven`, `worker_started`, `redis_away`, ...
    event: str
    batch: str = ""
    worker: str = ""
    #: Who did it.
    by: str = ""
    #: What else it says: `n`, `state`, `detail`, ...
    details: Mapping[str, str] = field(default_factory=dict)


def read_event(found: EventFields) -> EventInfo:
    """Read an entry of the stream."""
    given = {name: found.fields.get(name, "") for name in _TEXTS}
    details = {name: text for name, text in found.fields.items() if name not in _TEXTS}
    at = time(whole(found.id.partition("-")[0]))
    return EventInfo(id=found.id, time=at, details=details, **given)
