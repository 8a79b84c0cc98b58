"""Texts about batches and slots that several commands print."""

from collections.abc import Iterable
from datetime import datetime

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.durations import show_duration
from gatherq.inspection.progress.running_slots import RunningSlot
from gatherq.inspection.words.amounts import show_rate
from gatherq.inspection.words.standing import standing
from gatherq_cli.output.styled import Line, Part
from gatherq_cli.output.styles import style_of

#: Attributes of a batch that count slots, in the order in which they are told.
_COUNTS = ("succeeded", "failed", "timed_out", "cancelled", "lost", "running", "waiting", "queued")


def joined(parts: Iterable[Part]) -> Line:
    """Return parts with a dot between them."""
    return [part for each in parts for part in (" · ", each)][1:]


def counts(batch: BatchInfo) -> Line:
    """Return how many slots are in each state: `1,391 succeeded · 71 failed · 485 queued`."""
    told = [(getattr(batch, name), name) for name in _COUNTS]
    return joined((f"{n:,} {name.replace('_', ' ')}", style_of(name)) for n, name in told if n)


def pace(batch: BatchInfo, rate: float | None, remaining: float | None) -> Line:
    """Return how fast a batch goes; nothing once it has ended."""
    if not batch.left or rate is None:
        return []
    return [show_rate(rate), *([f" · {show_duration(remaining)} left"] if remaining else [])]


def running(slot: RunningSlot) -> Line:
    """Return what runs: `:731 fetch 1.9s of 2s  host-b.41`, with what its handler told of it."""
    ran = "" if slot.ran is None else f" {show_duration(slot.ran)}"
    limit = f" of {show_duration(slot.job.limit)}" if slot.job.limit else ""
    late = "yellow" if (slot.share or 0) > 0.8 else ""
    done = standing(slot)
    said = f"  {slot.worker}" + (f"  {done}" if done else "")
    return [f":{slot.slot} {slot.job.name}", (f"{ran}{limit}", late), said]


def clock(time: datetime | None, now: datetime) -> str:
    """Return a time of this machine's clock, with its date where that is another day."""
    if time is None:
        return "-"
    local, today = time.astimezone(), now.astimezone()
    return f"{local:%H:%M:%S}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M:%S}"
