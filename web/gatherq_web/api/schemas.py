"""Schemas of what the API answers: of the values that its records are made of."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from gatherq.contract.outcomes import AttemptInfo
from gatherq.inspection.batch_info import BatchInfo, BatchState
from gatherq.inspection.checks.finding import Finding
from gatherq.inspection.error_group import ErrorGroup
from gatherq.inspection.event_info import EventInfo
from gatherq.inspection.explain.explanation import Explanation
from gatherq.inspection.filters import STATUSES
from gatherq.inspection.limits.gate_info import GateInfo
from gatherq.inspection.phases import Phase
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.report.error_changes import ChangeKind
from gatherq.inspection.worker_info import Progress, WorkerInfo

Schema = dict[str, Any]
_REF = "#/components/schemas/"
_WHOLE: Schema = {"type": "integer"}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_ANYTHING: Schema = {}
_SECONDS: Schema = {"anyOf": [{"type": "number"}, {"type": "null"}]}
_TIME: Schema = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
_COUNTS: Schema = {"type": "object", "additionalProperties": _WHOLE}
#: What follows from the attributes of a queue.
_OF_QUEUE: Schema = {
    **dict.fromkeys(("in_lanes", "at_gates", "held_back", "demand"), _WHOLE),
    "drain": _SECONDS,
}
#: Records that have the attributes of a class, and more that follow from them.
_CLASSES: list[tuple[str, Any, Schema]] = [
    (
        "Batch",
        BatchInfo,
        {
            "state": TypeAdapter(BatchState).json_schema(),
            **dict.fromkeys(("finished", "bad", "queued", "waiting", "left"), _WHOLE),
        },
    ),
    ("ErrorGroup", ErrorGroup, {}),
    (
        "ErrorChange",
        ErrorGroup,
        {"before": _WHOLE, "kind": TypeAdapter(ChangeKind).json_schema()},
    ),
    ("Attempt", AttemptInfo, {}),
    ("Phase", Phase, {}),
    ("Worker", WorkerInfo, {}),
    ("Progress", Progress, {}),
    ("Queue", QueueInfo, _OF_QUEUE),
    ("Gate", GateInfo, {"full": _FLAG}),
    ("Event", EventInfo, {}),
    ("Explanation", Explanation, {"stuck": _FLAG}),
    ("Finding", Finding, {}),
]


@cache
def schemas() -> Mapping[str, Schema]:
    """Return all schemas by name."""
    found: dict[str, Schema] = {}
    for name, kind, more in _CLASSES:
        made = TypeAdapter(kind).json_schema(mode="serialization", ref_template=_REF + "{model}")
        for inner, definition in made.pop("$defs", {}).items():
            found.setdefault(inner, _complete(definition, {}))
        found[name] = _complete(made, more)
    return found | _made_by_hand()


def _complete(made: Schema, more: Schema) -> Schema:
    """Return a schema of a class whose records have all attributes, without words of code."""
    properties = {
        name: {key: each for key, each in schema.items() if key not in ("default", "title")}
        for name, schema in made.get("properties", {}).items()
    }
    properties |= more
    if not properties:
        return made
    return {"type": "object", "properties": properties, "required": [*properties]}


def _object(properties: Schema, optional: Schema | None = None) -> Schema:
    whole = {**properties, **(optional or {})}
    return {"type": "object", "properties": whole, "required": [*properties]}


def ref(name: str) -> Schema:
    """Return a reference to a schema."""
    return {"$ref": _REF + name}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _made_by_hand() -> dict[str, Schema]:
    statistics = {
        **dict.fromkeys(("succeeded", "failed", "timed_out", "cancelled", "lost"), _WHOLE),
        **dict.fromkeys(("retried", "ended"), _WHOLE),
        **{f"{of}_p{share}": _SECONDS for share in (50, 95, 99) for of in ("run", "wait")},
    }
    slot = {
        "batch": _TEXT,
        "slot": _WHOLE,
        "status": {"enum": [*STATUSES]},
        "job_id": _TEXT,
        "name": _TEXT,
        "args": _list(_ANYTHING),
        "kwargs": {"type": "object"},
        "attempt": _WHOLE,
        "worker": _TEXT,
        "enqueued": _TIME,
        "started": _TIME,
        "finished": _TIME,
    }
    more = {
        "value": _ANYTHING,
        "error": ref("ErrorInfo"),
        "which": _TEXT,
        "limit": _SECONDS,
        "by": _TEXT,
        "attempts": _WHOLE,
        "due": _TIME,
        "waits_at": _TEXT,
        "arq": _FLAG,
        "unread": _TEXT,
        "signature": _TEXT,
        "history": _list(ref("Attempt")),
    }
    running = {"slot": _WHOLE, "name": _TEXT, "attempt": _WHOLE, "worker": _TEXT, "where": _TEXT}
    running |= {"started": _TIME, "ran": _SECONDS, "limit": _SECONDS}
    running |= {"progress": {"anyOf": [ref("Progress"), {"type": "null"}]}}
    job = {"name": _TEXT, "workers": _list(_TEXT), "running": _WHOLE}
    period = {"start": {"type": "string", "format": "date-time"}, "seconds": _WHOLE}
    by_job = {"type": "object", "additionalProperties": ref("Statistics")}
    done = {"action": _TEXT, "batch": _TEXT, "slots": _WHOLE, "statuses": _COUNTS}
    said = _object({"code": _TEXT, "message": _TEXT}, {"hint": _TEXT})
    return {
        "Slot": _object(slot, more),
        "SlotWithPhases": _object({**slot, "phases": _list(ref("Phase"))}, more),
        "Running": _object(running),
        "Statistics": _object(statistics),
        "Job": _object({**job, "statistics": ref("Statistics")}),
        "Period": _object({**period, "jobs": by_job, **statistics}),
        "Demand": _object({"queue": _TEXT, "demand": _WHOLE}),
        "Done": _object({**done, "dry_run": _FLAG}),
        "Problem": _object({"error": said}),
    }
