"""Unsuccessful slots by error group, each with an example."""

from array import array
from dataclasses import dataclass, field

from gatherq.contract.outcomes import Succeeded
from gatherq.inspection.error_group import group_of_slot
from gatherq.inspection.slot_info import SlotInfo

from .columns import NONE
from .texts import in_a_line, traceback_of

#: Most slots that a group names.
_NAMED = 5


@dataclass(slots=True, kw_only=True)
class SlotGroup:
    """An error group, as far as this batch has it."""

    signature: str
    status: str
    #: A line, `#` for what differs; and the innermost function of the jobs' own code.
    text: str
    where: str
    #: The traceback of its first slot.
    traceback: str
    count: int = 0
    #: Its first slots.
    slots: list[int] = field(default_factory=list)


class SlotGroups:
    """Sorts slots into error groups, one after the other."""

    def __init__(self) -> None:
        #: By signature, in the order in which they were met.
        self.groups: dict[str, SlotGroup] = {}
        #: For each slot the number of its group, or NONE.
        self.of_slot: array[int] = array("i")
        self._numbers: dict[str, int] = {}

    def add(self, slot: SlotInfo) -> None:
        """Add the next slot."""
        if slot.outcome is None or isinstance(slot.outcome, Succeeded):
            self.of_slot.append(NONE)
            return
        signature = slot.signature
        if signature not in self.groups:
            signature = self._begin(slot)
        group = self.groups[signature]
        group.count += 1
        if len(group.slots) < _NAMED:
            group.slots.append(slot.slot)
        self.of_slot.append(self._numbers[signature])

    def _begin(self, slot: SlotInfo) -> str:
        """Begin the group of a slot, if it is new; return its signature."""
        signature, text, where = group_of_slot(slot)
        if signature not in self.groups:
            self._numbers[signature] = len(self.groups)
            self.groups[signature] = SlotGroup(
                signature=signature,
                status=slot.status,
                text=in_a_line(text),
                where=where,
                traceback=traceback_of(slot),
            )
        return signature
