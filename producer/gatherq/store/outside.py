"""Which slots of a batch wait outside of its queue, as its hash tells.

The same rules as in `include/admission.lua`.
"""

from collections.abc import Mapping
from typing import NamedTuple

#: The score of a parked job: it waits in a lane or at a gate, and not for a time.
PARKED = 1e14 + 0.25
#: Fields of the hash that tell it.
FIELDS: tuple[str, ...] = ("size", "gradual", "written", "admitted", "beyond", "again")
#: Digits of the largest number that is one.
_DIGITS = 15


class Outside(NamedTuple):
    """Slots that are written and not admitted yet; by itself: none."""

    #: The next slot to admit, and how many after it are outside no more.
    admitted: int = 0
    beyond: int = 0
    #: How many are outside for a second time, or go first: the set `gatherq:again:<batch>`.
    again: int = 0
    written: int = 0
    #: Slots that its producer has not written.
    unwritten: int = 0

    @property
    def total(self) -> int:
        """How many wait, at the most: of those beyond, some may have ended before their writing."""
        left = max(self.beyond - self.unwritten, 0)
        return max(self.written - self.admitted - left, 0) + self.again

    def may_have(self, slot: int, *, is_again: bool) -> bool:
        """Tell whether a slot waits, unless it has ended or stands in the queue.

        `is_again`: it is in that set.
        """
        if slot >= self.written:
            return False
        return slot >= self.admitted or (is_again and self.again > 0)


#: Of a batch that went into the queue as a whole.
NONE: Outside = Outside()


def outside_of(fields: Mapping[str, str | bytes | None]) -> Outside:
    """Read the fields of a batch; what is no number counts as not given."""
    given = {name: _whole(fields.get(name)) for name in FIELDS}
    size = given["size"]
    if size is None or given["gradual"] is None:
        return NONE
    written = min(_or(given["written"], size), size)
    return Outside(
        admitted=_or(given["admitted"], written),
        beyond=given["beyond"] or 0,
        again=min(given["again"] or 0, size),
        written=written,
        unwritten=size - written,
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _whole(text: str | bytes | None) -> int | None:
    sound = text is not None and text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if text is not None and sound else None
