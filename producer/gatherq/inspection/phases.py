"""The life of a slot in phases: it waits, runs, backs off, runs again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Literal, TypeAlias

from gatherq.contract.outcomes import AttemptInfo
from gatherq.escape import escape

from .slot_info import SlotInfo

PhaseKind: TypeAlias = Literal["queued", "run", "back-off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A phase of a slot; a time is None where nobody knows it, or where it is still to come."""

    kind: PhaseKind
    #: Number of the attempt, in a run.
    attempt: int = 0
    started: datetime | None = None
    finished: datetime | None = None
    #: How a run ended: the status of an outcome, `died`, or empty while it runs.
    status: str = ""
    #: What went wrong in it, in a line.
    error: str = ""
    worker: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started is None or self.finished is None:
            return None
        return (self.finished - self.started).total_seconds()


def phases_of(slot: SlotInfo) -> list[Phase]:
    """Return the phases of a slot in order; the last one is open if it has not ended.

    There are none where nothing is known of it.
    """
    runs = [*_runs(slot)]
    if not runs:
        if slot.enqueued is None:
            return []
        return [Phase(kind="queued", started=slot.enqueued, finished=slot.finished)]
    redriven = _redriven(slot, runs)
    phases = [] if redriven else [_queued(slot, runs[0])]
    for i, run in enumerate(runs):
        phases.append(run)
        if i + 1 == redriven:
            phases.append(_queued(slot, runs[redriven] if redriven < len(runs) else None))
        elif i + 1 < len(runs):
            after = runs[i + 1].started
            phases.append(Phase(kind="back-off", started=run.finished, finished=after))
    if redriven == len(runs):
        return phases
    if slot.status in ("retrying", "queued", "waiting"):
        phases.append(Phase(kind="back-off", started=runs[-1].finished))
    elif slot.finished and not slot.started:  # it ended while it waited for another attempt
        waited = Phase(kind="back-off", started=runs[-1].finished, finished=slot.finished)
        phases.append(waited)
    return phases


def _queued(slot: SlotInfo, run: Phase | None) -> Phase:
    until = run.started if run else slot.finished
    return Phase(kind="queued", started=slot.enqueued, finished=until)


def _redriven(slot: SlotInfo, runs: Sequence[Phase]) -> int:
    """Return how many runs were before the slot was queued for the last time: by a redrive.

    When it was queued before that nobody knows any more.
    """
    if slot.enqueued is None:
        return 0
    return sum(run.finished is not None and run.finished <= slot.enqueued for run in runs)


def _earlier(slot: SlotInfo) -> Iterator[AttemptInfo]:
    """Yield the earlier attempts; one that was lost stands there twice: it died, and it ended."""
    for info, following in zip_longest(slot.earlier, slot.earlier[1:]):
        same = following and (following.attempt, following.started) == (info.attempt, info.started)
        if not same:
            yield info


def _runs(slot: SlotInfo) -> Iterator[Phase]:
    for info in _earlier(slot):
        yield Phase(
            kind="run",
            attempt=info.attempt,
            started=info.started,
            finished=info.finished,
            status=info.status,
            error=_line(info),
            worker=info.worker,
        )
    if slot.started or slot.status == "running":
        ended = slot.outcome is not None
        death = next(map(_line, slot.history[len(slot.earlier) :]), "")
        yield Phase(
            kind="run",
            attempt=slot.attempt,
            started=slot.started,
            finished=slot.finished,
            status=slot.status if ended else "",
            error=death or slot.error_line,
            worker=slot.worker,
        )


def _line(info: AttemptInfo) -> str:
    error = info.error
    if error is None:
        return ""
    return escape(f"{error.type}: {error.message}" if error.message else error.type)
