"""Groups of unsuccessful outcomes: those that differ in numbers, ids and quoted texts are one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gatherq.contract.outcomes import Cancelled, Failed, Succeeded, TimedOut
from gatherq.contract.remote_errors.error_groups import group_of

from .field_values import object_of, whole
from .slot_info import SlotInfo

#: What stands for the groups that are counted together.
FURTHER = "further groups"
#: Most slots that a group names.
_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """What unsuccessful outcomes of one kind have in common."""

    #: 8 hex digits; a filter `error:3fa9c1d2` means it. Empty for what is counted without one.
    signature: str
    #: How many slots have it now.
    count: int
    #: A line, with `#` for what differs, and the innermost function of the jobs' own code.
    text: str = ""
    where: str = ""
    #: Status, and name of the job, of its first slot.
    status: str = ""
    name: str = ""
    #: When the first of `slots` ended. `slots` names some of them, in order.
    first: datetime | None = None
    slots: tuple[int, ...] = ()


def counted_groups(fields: Mapping[str, str]) -> dict[str, ErrorGroup]:
    """Return the groups of a hash `gatherq:errors:<batch>` by signature, as far as it tells."""
    found = {}
    for signature in fields.get("groups", "").split():
        if count := whole(fields.get(signature)):
            found[signature] = counted_group(signature, count, fields)
    if other := whole(fields.get("other")):
        found[""] = ErrorGroup(signature="", count=other, text=FURTHER)
    return found


def counted_group(signature: str, count: int, fields: Mapping[str, str]) -> ErrorGroup:
    """Return a group with that count, as a hash `gatherq:errors:<batch>` tells of it."""
    slot = whole(fields.get(f"{signature}:slot"))
    said = object_of(fields.get(f"{signature}:text"))
    return ErrorGroup(
        signature=signature,
        count=count,
        text=_text(said.get("text")),
        where=_text(said.get("where")),
        status=_text(said.get("status")),
        name=_text(said.get("name")),
        slots=() if slot is None else (slot,),
    )


def collected_groups(slots: Iterable[SlotInfo]) -> dict[str, ErrorGroup]:
    """Return the groups of these slots by signature."""
    found: dict[str, ErrorGroup] = {}
    for slot in slots:
        add_slot(found, slot)
    return found


def add_slot(groups: dict[str, ErrorGroup], slot: SlotInfo) -> None:
    """Count a slot in its group; nothing for one that has succeeded, or has not ended."""
    signature, text, where = group_of_slot(slot)
    if not signature:
        return
    known = groups.get(signature) or ErrorGroup(
        signature=signature, count=0, text=text, where=where, status=slot.status, name=slot.name
    )
    times = [time for time in (known.first, slot.finished) if time]
    named = known.slots if len(known.slots) == _NAMED else (*known.slots, slot.slot)
    groups[signature] = replace(
        known, count=known.count + 1, first=min(times, default=None), slots=named
    )


def group_of_slot(slot: SlotInfo) -> Sequence[str]:
    """Return signature, text and place of a slot's group, empty for none.

    The signature is the one that its record has.
    """
    outcome = slot.outcome
    if outcome is None or isinstance(outcome, Succeeded):
        return "", "", ""
    history = [info.model_dump() for info in slot.history]
    group = group_of(outcome.status, _fields(outcome), history)
    return slot.signature or group.sig, group.text, slot.where or group.where


def merged(counted: ErrorGroup, seen: ErrorGroup | None) -> ErrorGroup:
    """Return what is counted, with what was seen of its slots."""
    if seen is None:
        return counted
    return replace(
        counted,
        text=counted.text or seen.text,
        where=counted.where or seen.where,
        status=counted.status or seen.status,
        name=counted.name or seen.name,
        first=seen.first,
        slots=seen.slots,
    )


def in_order(groups: Iterable[ErrorGroup]) -> list[ErrorGroup]:
    """Return the largest groups first; what has no signature comes last."""
    return sorted(groups, key=lambda group: (not group.signature, -group.count, group.slots))


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _fields(outcome: Any) -> Mapping[str, Any]:
    match outcome:
        case Failed(error):
            return {"error": error}
        case TimedOut(which, limit):
            return {"which": which, "limit": limit}
        case Cancelled(by):
            return {"by": by}
        case _:
            return {}
