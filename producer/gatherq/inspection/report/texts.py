"""What is said of a slot, in a line or in few."""

from gatherq.contract.outcomes import Failed, Succeeded
from gatherq.contract.short_repr import cut, short_repr
from gatherq.escape import escape
from gatherq.inspection.slot_info import SlotInfo

#: Most characters of a value or of an error; of a traceback, its last ones.
_SAID, _TRACEBACK = 300, 4000


def said(slot: SlotInfo) -> str:
    """Return the value, or why there is none; empty for a slot that has not ended."""
    if isinstance(slot.outcome, Succeeded):
        return short_repr(slot.outcome.value, _SAID)
    return in_a_line(slot.error_line)


def in_a_line(text: str) -> str:
    """Return a text of others, cut."""
    return cut(escape(text), _SAID)


def traceback_of(slot: SlotInfo) -> str:
    """Return the end of the traceback, empty for none."""
    if not isinstance(slot.outcome, Failed):
        return ""
    lines = slot.outcome.error.traceback[-_TRACEBACK:].splitlines()
    return "\n".join(map(escape, lines))
