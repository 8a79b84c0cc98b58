"""The life of a slot in phases: it waits, runs, backs off, runs again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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
    phases = [Phase(kind="queued", started=slot.enqueued, finished=runs[0].started)]
    for i, run in enumerate(runs):
        phases.append(run)
        if i + 1 < len(runs):
            after = runs[i + 1].started
            phases.append(Phase(kind="back-off", started=run.finished, finished=after))
    if slot.status in ("retrying", "queued"):
        phases.append(Phase(kind="back-off", started=runs[-1].finished))
    elif slot.finished and not slot.started:  # it ended while it waited for another attempt
        waited = Phase(kind="back-off", started=runs[-1].finished, finished=slot.finished)
        phases.append(waited)
    return phases


def _runs(slot: SlotInfo) -> Iterator[Phase]:
    for info in slot.earlier:
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
