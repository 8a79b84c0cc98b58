"""What every bar does, and the words for how a batch stands."""

from types import TracebackType
from typing import Protocol, Self

from gatherq.escape import escape
from gatherq.store.batches import Counts

#: Most names of jobs that a bar shows, and most characters of each.
_NAMES, _NAME = 3, 24


class Bar(Protocol):
    """Shown while its block is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def show(self, counts: Counts) -> None:
        """Show how the batch stands now."""


def description(names: dict[str, int], batch: str) -> str:
    """Say how many jobs of which name there are, or which batch it is."""
    shown = [f"{_cut(name)} {count}" for name, count in [*names.items()][:_NAMES]]
    more = [f"{len(names) - _NAMES} more"] if len(names) > _NAMES else []
    return ", ".join(shown + more) or f"batch {batch}"


def standing(counts: Counts, rate: float) -> str:
    """Say how many ended how, how many run, and how many end in a second."""
    parts = [
        ("ok", counts.succeeded),
        ("failed", counts.failed),
        ("timed out", counts.timed_out),
        ("cancelled", counts.cancelled),
        ("lost", counts.lost),
        ("running", counts.running),
        ("waiting", counts.waiting),
    ]
    counted = ", ".join(f"{count} {name}" for name, count in parts if count or name == "ok")
    return f"{counted}, {rate:,.0f}/s"


def _cut(name: str) -> str:
    return escape(name if len(name) <= _NAME else f"{name[: _NAME - 3]}...")
