"""How batches and slots stand, in words."""

import shlex
from collections.abc import Mapping

from gatherq.contract.keys import KeySpace
from gatherq.contract.outcomes import Succeeded
from gatherq.contract.short_repr import cut, short_repr
from gatherq.inspection.filters import PENDING
from gatherq.inspection.limits.places import in_words
from gatherq.inspection.progress.running_slots import RunningSlot
from gatherq.inspection.slot_info import SlotInfo

from .amounts import show_bytes, show_share

#: Most characters of a value, or of an error; bytes from which its size is said.
_SAID, _LARGE = 200, 4096


def jobs_in_words(names: Mapping[str, int]) -> str:
    """Return how many slots call each job: `fetch 1,500 · parse 500`."""
    return " · ".join(f"{name or 'others'} {count:,}" for name, count in names.items())


def standing(slot: RunningSlot) -> str:
    """Return what the handler told of its progress: `56% 34/60 row 33`; empty for nothing."""
    told = slot.job.progress
    return f"{show_share(told.done, told.total)} {told.note}".rstrip() if told else ""


def outcome_in_words(slot: SlotInfo) -> str:
    """Return a value or an error in a line, cut; of a slot that waits, for what; else empty."""
    if slot.waits_at:
        return f"waits {in_words(slot.waits_at)}"
    if not isinstance(slot.outcome, Succeeded):
        return slot.unread or cut(slot.error_line, _SAID)
    said = short_repr(slot.outcome.value, _SAID)
    return f"{show_bytes(slot.bytes)}: {said}" if slot.bytes > _LARGE else said


def record_command(slot: SlotInfo) -> str:
    """Return the command that shows the record of a slot as Redis has it."""
    keys = KeySpace()
    key = keys.job(slot.job_id) if slot.status in PENDING else keys.result(slot.job_id)
    return f"redis-cli GET {shlex.quote(key)}"
