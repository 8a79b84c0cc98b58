"""What is meant: `BATCH[:SLOTS] [FILTER...]`, the same for looking and for acting."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatherq.contract.short_repr import value_repr
from gatherq.errors import InvalidSelector

from .filters import Filter, read_slot_filters

_BATCH = re.compile(r"@\d{0,6}|[A-Za-z0-9_.-]{1,128}")
_RANGE = re.compile(r"(\d{1,8})(?:-(\d{1,8}))?")
_SHAPES = "write 7, 0-99 or 1,5,9-12"


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots by number: ranges, each with its first and its last."""

    ranges: tuple[tuple[int, int], ...]

    def within(self, size: int) -> Iterator[int]:
        """Yield those that a batch of that size has, in order, each once."""
        after = -1
        for first, last in sorted(self.ranges):
            yield from range(max(first, after + 1), min(last + 1, size))
            after = max(after, last)

    @property
    def single(self) -> bool:
        """Whether they are one."""
        return len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]

    @property
    def first(self) -> int:
        """Return the smallest number that is named."""
        return min(first for first, _ in self.ranges)

    @property
    def last(self) -> int:
        """Return the largest number that is named."""
        return max(last for _, last in self.ranges)

    def between(self, first: int, end: int) -> "Slots | None":
        """Return those from `first` on and before `end`; None if there are none."""
        cut = [(max(each, first), min(last, end - 1)) for each, last in self.ranges]
        left = tuple((each, last) for each, last in cut if each <= last)
        return Slots(left) if left else None

    def check(self, batch: str, size: int) -> None:
        """Raise InvalidSelector for what a batch of that size does not have."""
        if self.last >= size:
            has = f"slots 0 to {size - 1}" if size else "no slots"
            raise InvalidSelector(f"batch {batch} has {has}, not {self.last}")


@dataclass(frozen=True, slots=True)
class Selector:
    """A batch, and which of its slots: all of them without `slots` and `filters`."""

    #: An id, the beginning of one, or `@`, `@2`, ...: the newest, the one before it.
    batch: str
    slots: Slots | None = None
    filters: Sequence[Filter] = ()

    @property
    def everything(self) -> bool:
        """Whether no slot is left out."""
        return self.slots is None and not self.filters


def read_selector(target: str, filters: Iterable[str] = ()) -> Selector:
    """Read `BATCH[:SLOTS]` and filters; raises InvalidSelector."""
    batch, colon, slots = target.partition(":")
    if not _BATCH.fullmatch(batch):
        raise InvalidSelector(
            f"{value_repr(target)} names no batch: write its id, the beginning of it, or @ for the "
            "newest; behind a colon its slots"
        )
    return Selector(batch, read_slots(slots) if colon else None, read_slot_filters(filters))


def read_slots(text: str) -> Slots:
    """Read `7`, `0-99` or `1,5,9-12`; raises InvalidSelector."""
    ranges = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        if not found:
            raise InvalidSelector(f"{value_repr(part)} names no slots: {_SHAPES}")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise InvalidSelector(f"slots {part} end before they begin: write {last}-{first}")
        ranges.append((first, last))
    return Slots(tuple(ranges))
