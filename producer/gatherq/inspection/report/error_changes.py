"""What a redrive changed: the error groups of a batch, before it and now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gatherq.inspection.error_group import FURTHER, ErrorGroup, counted_group
from gatherq.inspection.field_values import whole

ChangeKind: TypeAlias = Literal["new", "more", "same", "fewer", "went"]
#: The field that counts further groups.
_OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorChange:
    """An error group of a batch, now and when its last redrive began."""

    #: As of now; its count is 0 for one that is gone.
    group: ErrorGroup
    #: How many slots had it when the last redrive began; 0 without one.
    before: int = 0

    @property
    def kind(self) -> ChangeKind:
        """What became of it since then: of a group that was not redriven, `same`."""
        now, before = self.group.count, self.before
        if not (now and before):
            return "new" if now else "went"
        return "same" if now == before else "more" if now > before else "fewer"


def changes_of(fields: Mapping[str, str], generation: int) -> list[ErrorChange]:
    """Return the groups of a hash `gatherq:errors:<batch>`, the largest first.

    `generation` is how often the batch was redriven. What is gone comes last.
    """
    found = []
    for name in [*dict.fromkeys(fields.get("groups", "").split()), _OTHER]:
        now = whole(fields.get(name)) or 0
        before = whole(fields.get(f"{generation - 1}|{name}")) or 0
        if now or before:
            found.append(ErrorChange(group=_group(name, now, fields), before=before))
    return sorted(found, key=_size)


def _size(change: ErrorChange) -> tuple[bool, int, int]:
    group = change.group
    return not group.signature, -group.count, -change.before


def _group(name: str, count: int, fields: Mapping[str, str]) -> ErrorGroup:
    if name == _OTHER:
        return ErrorGroup(signature="", count=count, text=FURTHER)
    return counted_group(name, count, fields)
