"""`BatchReport`: a batch as a whole, at the time of a look."""

import asyncio
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.progress.running_slots import RunningSlot
from gatherq.inspection.redaction.redaction import EVERYTHING, NOTHING
from gatherq.inspection.slot_info import SlotInfo

from .columns import Columns, ColumnWriter
from .completions import Completions, completions_of
from .error_groups import SlotGroup, SlotGroups
from .run_times import RunTimes, run_times_of
from .spans import Lanes, lanes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """A batch with all its slots; it needs some hundred bytes a slot.

    `gatherq.inspection.report` makes a page and a trace of it.
    """

    batch: BatchInfo
    #: When it was made, by Redis's clock, and the time that its ms count from.
    made: datetime
    begin: datetime
    #: Ms to the last end; of a batch that is not finished, to when the report was made.
    span: float
    columns: Columns
    #: Attempts in lanes of workers.
    lanes: Lanes
    #: Error groups, and the number of the group of each slot, -1 for none.
    groups: list[SlotGroup]
    group_of_slot: Sequence[int]
    run_times: list[RunTimes]
    completions: Completions
    #: Whether arguments, values and texts of errors were left out.
    redacted: bool = False


async def collect(
    batch: BatchInfo,
    slots: AsyncIterable[SlotInfo],
    now: datetime,
    *,
    running: Iterable[RunningSlot] = (),
    redact: bool = False,
) -> BatchReport:
    """Read all slots of a batch, which come in order.

    `running` tells since when jobs run that have not ended.
    """
    started = {each.slot: each.job.started for each in running}
    shown = EVERYTHING if redact else NOTHING
    begin = min(batch.created or now, now)
    writer, groups = ColumnWriter(begin, now), SlotGroups()
    async for each in slots:
        slot = shown.slot(each)
        writer.add(slot, started.get(slot.slot))
        groups.add(slot)
    # Of 100,000 slots it takes a second, in which others of this loop have their turn.
    return await asyncio.to_thread(_drawn, batch, writer.columns, groups, begin, now, redact=redact)


def _drawn(
    batch: BatchInfo,
    columns: Columns,
    groups: SlotGroups,
    begin: datetime,
    now: datetime,
    *,
    redact: bool,
) -> BatchReport:
    span = _until_now(begin, now) if batch.left else _last_end(columns)
    lanes = lanes_of(columns, span)
    first_starts = _first_starts(columns)
    return BatchReport(
        batch=batch,
        made=now,
        begin=begin,
        span=span,
        columns=columns,
        lanes=lanes,
        groups=[*groups.groups.values()],
        group_of_slot=groups.of_slot,
        run_times=run_times_of(columns, first_starts),
        completions=completions_of(columns, lanes.spans, first_starts, span),
        redacted=redact,
    )


def _until_now(begin: datetime, now: datetime) -> float:
    return max((now - begin) / timedelta(milliseconds=1), 1.0)


def _last_end(columns: Columns) -> float:
    return max((end for end in columns.end if not isnan(end)), default=1.0) or 1.0


def _first_starts(columns: Columns) -> list[float]:
    """Return when each slot was first attempted, nan where that is not known."""
    starts = [*columns.start]
    for attempt in reversed(columns.earlier):
        if not isnan(attempt.start):
            starts[attempt.slot] = attempt.start
    return starts
