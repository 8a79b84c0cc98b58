"""What is said of a slot in a line, with its arguments and values or without them."""

from dataclasses import dataclass

from gatherq.contract.outcomes import Cancelled, Failed, Succeeded
from gatherq.contract.short_repr import cut, short_repr
from gatherq.escape import escape
from gatherq.inspection.slot_info import SlotInfo

#: Most characters of a value or of an error; of a traceback, its last ones.
_SAID, _TRACEBACK = 300, 4000
_HIDDEN = "..."


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts for reports; `redact` leaves out arguments, values and what errors say."""

    redact: bool = False

    def call(self, slot: SlotInfo) -> str:
        """Return the call: `fetch(731)`, or `fetch(...)`."""
        if not self.redact:
            return slot.call
        return f"{cut(escape(slot.name), 40)}({_HIDDEN if slot.args or slot.kwargs else ''})"

    def said(self, slot: SlotInfo) -> str:
        """Return the value, or why there is none; empty for a slot that has not ended."""
        match slot.outcome:
            case Succeeded(value):
                return _HIDDEN if self.redact else short_repr(value, _SAID)
            case Failed(error) if self.redact:
                return f"{cut(escape(error.type), _SAID)}: {_HIDDEN}"
            case Cancelled() if self.redact:
                return f"cancelled by: {_HIDDEN}"
            case _:
                return cut(escape(slot.error_line), _SAID)

    def group(self, slot: SlotInfo, text: str) -> str:
        """Return the line of an error group, of which this is the first slot."""
        return self.said(slot) if self.redact else cut(escape(text), _SAID)

    def traceback(self, slot: SlotInfo) -> str:
        """Return the end of the traceback, empty for none."""
        if self.redact or not isinstance(slot.outcome, Failed):
            return ""
        lines = slot.outcome.error.traceback[-_TRACEBACK:].splitlines()
        return "\n".join(map(escape, lines))
