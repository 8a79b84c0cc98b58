"""The slots of a batch in order, a byte each: which have ended, and which of them badly."""

from collections.abc import Iterable
from typing import NamedTuple

from gatherq.store.redrive import REDRIVEN

_WELL, _BADLY = 1, 2


class Mark(NamedTuple):
    """Some neighbouring slots: the share that has ended, and whether any did not succeed."""

    finished: float
    bad: bool


class SlotMap:
    """Follows the completions of a batch."""

    def __init__(self, size: int) -> None:
        self._slots = bytearray(size)

    def add(self, slots: Iterable[tuple[int, str]]) -> None:
        """Note which slots have ended, or are run again; numbers beyond the size are left out."""
        for slot, status in slots:
            if slot < len(self._slots):
                well = status == "succeeded"
                self._slots[slot] = 0 if status == REDRIVEN else _WELL if well else _BADLY

    def marks(self, most: int) -> list[Mark]:
        """Return all slots as at most so many marks, each of as many slots, the last of fewer."""
        width = self.width(most)
        parts = (self._slots[i : i + width] for i in range(0, len(self._slots), width))
        return [Mark(1 - part.count(0) / len(part), _BADLY in part) for part in parts]

    def width(self, most: int) -> int:
        """Return how many slots a mark stands for."""
        return max(-(-len(self._slots) // most), 1)
